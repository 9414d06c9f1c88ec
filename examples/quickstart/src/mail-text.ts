/**
 * What a reader of an e-mail sees: its subject and its body as plain text.
 *
 * Headers other than the subject are left out, and so are list tags in the subject and what mailing lists append: they tell
 * where a mail was collected, not what it says.
 */
import { Parser } from 'htmlparser2';
import PostalMime from 'postal-mime';

const longest = 1500; // characters; the quickstart reads about the first 300

/** Subject and body of a raw message (RFC 5322, with or without an mbox line before it), in one line. Empty if there is nothing to read. */
export async function mailText(raw: string): Promise<string> {
  // the corpus has lost its 8-bit characters; what is there instead must not be decoded again by the declared charset
  const ascii = raw.replace(/^From .*\n/, '').replace(/[^\p{ASCII}]/gu, '?');
  const { subject = '', text = '', html = '' } = await PostalMime.parse(ascii);
  const plain = text.trim() !== '' && !looksLikeHtml(text) ? text : textOfHtml(text.trim() === '' ? html : text);
  const title = subject.replace(/\[[^\][]{1,30}\]/g, ' '); // [ILUG], [SAtalk]
  return oneLine(`${title}\n${withoutFooter(plain)}`).slice(0, longest);
}

function looksLikeHtml(text: string): boolean {
  return /<(html|body|table|font|center|br|p)\b[^>]*>/i.test(text);
}

function textOfHtml(html: string): string {
  const pieces: string[] = [];
  let hidden = 0;
  const isHidden = (name: string): boolean => name === 'script' || name === 'style' || name === 'title';
  const parser = new Parser({
    onopentagname(name) {
      if (isHidden(name)) hidden++;
    },
    onclosetag(name) {
      if (isHidden(name)) hidden--;
    },
    ontext(text) {
      if (hidden === 0) pieces.push(text);
    },
  });
  parser.end(html);
  return pieces.join(' ');
}

/** The body up to a signature ("-- ") or a list's footer, a line of underscores or dashes with its lines. */
function withoutFooter(body: string): string {
  const footer = /^(-- |_{20,}|-{20,}\s*\n\s*this .{0,30}e-?mail is sponsored)/im.exec(body.replaceAll('\r', ''));
  return footer === null ? body : body.replaceAll('\r', '').slice(0, footer.index);
}

/** White space collapsed, ornaments (=====, *****) dropped: they would take up tokens. */
function oneLine(text: string): string {
  return text
    .replace(/([^\p{L}\p{N}\s])\1{3,}/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}
