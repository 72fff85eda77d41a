/** Lint rules: type-aware TypeScript, the rules of hooks, and no raw colour outside the tokens. */
import js from '@eslint/js';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

const rawColour = '/#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})\\b|\\b(?:rgb|hsl)a?\\(|\\bok(?:lab|lch)\\(/';
const message = 'Use a token of src/kit/tokens.css; raw colours break themes and contrast.';

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'src/data/schema.d.ts'] },
  js.configs.recommended,
  {
    files: ['src/**/*.{ts,tsx}', 'tests/**/*.ts', 'vite.config.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
    },
  },
  {
    files: ['src/**/*.{ts,tsx}'],
    ...reactHooks.configs.flat['recommended-latest'],
  },
  {
    files: ['src/**/*.{ts,tsx}'],
    ignores: ['src/**/*.test.{ts,tsx}'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: `Literal[value=${rawColour}]`, message },
        { selector: `TemplateElement[value.raw=${rawColour}]`, message },
        { selector: 'JSXAttribute[name.name="dangerouslySetInnerHTML"]', message: 'Values are text, never markup.' },
      ],
    },
  },
  {
    files: ['**/*.mjs', 'eslint.config.js'],
    languageOptions: {
      globals: {
        Buffer: 'readonly', URL: 'readonly', URLSearchParams: 'readonly', console: 'readonly', document: 'readonly',
        fetch: 'readonly', process: 'readonly', setTimeout: 'readonly', window: 'readonly', location: 'readonly',
        KeyboardEvent: 'readonly', PerformanceObserver: 'readonly', performance: 'readonly', requestAnimationFrame: 'readonly',
      },
    },
  },
);
