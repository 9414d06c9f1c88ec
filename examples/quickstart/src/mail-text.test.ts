import { expect, test } from 'vitest';
import { mailText } from './mail-text.js';

const mail = (headers: string, body: string) =>
  `From a@b  Thu Aug 22 12:36:23 2002\nReceived: from x by y\n${headers}\n\n${body}`;

test.each([
  ['subject and body in one line', mail('Subject: Hello', 'one\n\n  two\n'), 'Hello one two'],
  ['no subject', mail('To: c@d', 'text'), 'text'],
  ['an encoded subject', mail('Subject: =?iso-8859-1?Q?caf=E9?=', 'x'), 'café x'],
  ['the tag of a mailing list', mail('Subject: Re: [ILUG] kernel', 'x'), 'Re: kernel x'],
  [
    'quoted-printable',
    mail(
      'Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable',
      'caf=E9 =\nau lait',
    ),
    'café au lait',
  ],
  [
    'base64',
    mail('Content-Type: text/plain\nContent-Transfer-Encoding: base64', Buffer.from('free money').toString('base64')),
    'free money',
  ],
  ['lost 8-bit characters', mail('Content-Type: text/plain; charset=iso-8859-1', 'H\ufffdhn wrote'), 'H?hn wrote'],
  [
    'HTML alone',
    mail(
      'Content-Type: text/html',
      '<html><head><title>t</title><style>p {}</style></head><p>Buy&nbsp;<b>now</b> &amp; save<script>x()</script></html>',
    ),
    'Buy now & save',
  ],
  [
    'HTML that says it is plain',
    mail('Subject: a', '<HTML>\n<BODY bgcolor=x>Thank <FONT size=4>you</FONT></BODY>'),
    'a Thank you',
  ],
  [
    'plain text beside HTML',
    mail(
      'Content-Type: multipart/alternative; boundary=B',
      '--B\nContent-Type: text/plain\n\nplain\n--B\nContent-Type: text/html\n\n<p>rich</p>\n--B--',
    ),
    'plain',
  ],
  ['a signature', mail('Subject: s', 'text\n-- \nA. Name\nCompany'), 's text'],
  [
    'the footer of a list',
    mail('Subject: s', 'text\r\n_______________________________________________\r\nA mailing list\r\n'),
    's text',
  ],
  ['ornaments', mail('Subject: s', '***** SALE =====\n$$$$$$ 50,000'), 's SALE 50,000'],
  ['nothing to read', mail('To: c@d', ''), ''],
])('%s', async (_, raw, expected) => {
  expect(await mailText(raw)).toBe(expected);
});

test('long mails are cut', async () => {
  expect((await mailText(mail('Subject: s', 'word '.repeat(10_000)))).length).toBeLessThanOrEqual(1500);
});
