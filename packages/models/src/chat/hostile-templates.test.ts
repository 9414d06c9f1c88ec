import { describe, expect, test } from 'vitest';
import { renderTemplate } from './render-template.js';

const limits = { seconds: 2, megabytes: 64 };
const messages = [{ role: 'user', content: 'hi' }];
const render = (template: string) => renderTemplate(template, { messages }, limits);

describe('a hostile template ends in an error', () => {
  test.each([
    [
      'loops for ever',
      '{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}',
      /within 2 seconds|memory/,
    ],
    [
      'calls itself for ever',
      '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}',
      /not a function|call stack|within 2 seconds|memory/,
    ],
    [
      'doubles a text for ever',
      '{% set n = namespace(t="x") %}{% for a in range(9999) %}{% set n.t = n.t + n.t %}{% endfor %}{{ n.t }}',
      /length|memory|within/,
    ],
    [
      'writes a very long text',
      "{% for a in range(3000000) %}{{ 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' }}{% endfor %}",
      /characters|memory|within/,
    ],
    ['takes a very long list', '{{ range(10 ** 9) | list | length }}', /memory|length|within/],
    [
      'nests without end',
      '{{ ' + '('.repeat(200_000) + '1' + ')'.repeat(200_000) + ' }}',
      /call stack|Maximum|memory|within/,
    ],
    ['is not closed', '{% for message in messages %}', /./],
    ['raises what it likes', "{{ raise_exception('no such luck') }}", /no such luck/],
  ])(
    'that %s',
    async (_, template, message) => {
      const begun = performance.now();
      await expect(render(template)).rejects.toMatchObject({
        code: 'CHAT_TEMPLATE',
        message: expect.stringMatching(message),
      });
      expect(performance.now() - begun).toBeLessThan(30_000);
      expect(await render('{{ messages[0].content }}')).toBe('hi'); // and the next one is rendered
    },
    60_000,
  );
});

test.each([
  '{{ messages.constructor }}',
  "{{ messages['constructor'] }}",
  "{{ messages[0]['__proto__'] }}",
  '{{ messages[0].__proto__.polluted }}',
  "{{ ''.constructor.constructor }}",
  '{{ raise_exception.constructor }}',
  '{{ range.prototype }}',
  "{{ messages | attr('constructor') if false }}",
  '{{ (messages | first).toString }}',
])('%s reaches nothing', async (template) => {
  const written = await render(template).catch(String);
  expect(written === '' || written.includes('cannot write this conversation')).toBe(true);
});

test('what a template sets on objects stays in its thread', async () => {
  await render(
    '{% set messages = 1 %}{% set n = namespace() %}{% set n.__proto__ = 5 %}{% set n.constructor = 6 %}',
  ).catch(() => '');
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  expect(await render('{{ messages | length }}')).toBe('1');
});

test('only what JSON has reaches a template', async () => {
  const variables = { f: () => 'called', nested: { undefined, n: 1 } };
  expect(await renderTemplate('{{ f is defined }} {{ nested.n }}', variables)).toBe('False 1');
});

test('many templates are rendered in the order in which they were asked for', async () => {
  const asked = Array.from({ length: 40 }, (_, i) => renderTemplate(`{{ n }}-${i}`, { n: i }));
  expect(await Promise.all(asked)).toEqual(asked.map((_, i) => `${i}-${i}`));
});

test('a date is written in the format asked for', async () => {
  expect(await render("{{ strftime_now('%Y') }}")).toBe(String(new Date().getFullYear()));
});
