import { expect, it } from 'vitest';
import { splitRedactions } from './redaction';
import { assignLooks, monogram } from './service-slots';

const SHOP = ['web-gateway', 'checkout', 'payments', 'ledger', 'cart', 'catalogue', 'shipping', 'queue-worker', 'identity', 'mail'];

it('gives eight services eight colours and marks the others as sharing', () => {
  const looks = [...assignLooks(SHOP).values()];
  const plain = looks.filter((look) => !look.textured);
  expect(new Set(plain.map((look) => look.slot)).size).toBe(8);
  expect(plain).toHaveLength(8);
  expect(looks).toHaveLength(SHOP.length);
});

it('depends on the ranked names alone', () => {
  expect(assignLooks(SHOP)).toEqual(assignLooks([...SHOP, ...SHOP]));
});

it('keeps the preferred colour when fewer services are there', () => {
  const alone = assignLooks(['payments']).get('payments');
  expect(assignLooks(['payments', 'ledger']).get('payments')?.slot).toBe(alone?.slot);
});

it('writes monograms, distinct within a page', () => {
  expect(['web-gateway', 'payments', 'x', '', 'über.dienst'].map(monogram)).toEqual(['wg', 'pa', 'x', '?', 'üd']);
  const letters = [...assignLooks(SHOP).values()].map((look) => look.monogram);
  expect(new Set(letters).size).toBe(SHOP.length);
});

it('finds redaction marks', () => {
  expect(splitRedactions('to [redacted:email] and [redacted:card_number]')).toEqual([
    { kind: 'text', text: 'to ' }, { kind: 'redacted', rule: 'email' }, { kind: 'text', text: ' and ' }, { kind: 'redacted', rule: 'card number' },
  ]);
  expect(splitRedactions('')).toEqual([{ kind: 'text', text: '' }]);
  expect(splitRedactions('[redacted:<b>]')).toEqual([{ kind: 'text', text: '[redacted:<b>]' }]);
});
