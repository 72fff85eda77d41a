/** Starts the UI: theme before the first paint, then the router. */
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import '@/kit/tokens.css';
import '@/kit/base.css';
import { installHotkeys } from '@/kit/hotkeys';
import { installTheme } from '@/kit/theme';
import { createAppRouter } from './router';
import { createQueryClient } from './query-client';

installTheme();
installHotkeys();
const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element #root');
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={createQueryClient()}>
      <RouterProvider router={createAppRouter()} />
    </QueryClientProvider>
  </StrictMode>,
);
