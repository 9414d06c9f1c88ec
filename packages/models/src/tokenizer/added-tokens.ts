/**
 * Finds added tokens in a text before anything else is done with it, as the Python tokenizers do: the leftmost first, of those
 * that begin there the longest.
 */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Stands for something special, such as the end of a text; default false. */
  readonly special?: boolean;
  /** Found in the normalised text rather than in the text as it is; default: unless it is special. */
  readonly normalized?: boolean;
  /** Takes the white space before it along; default false. */
  readonly lstrip?: boolean;
  /** Takes the white space behind it along; default false. */
  readonly rstrip?: boolean;
  /** Not within a word; default false. */
  readonly single_word?: boolean;
}

/** A stretch of text, or the id of a token. */
export type Section = string | number;

interface Node {
  readonly next: Map<number, Node>;
  token?: AddedToken;
}

const wordBefore = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200C\u200D]$/u;
const wordBehind = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200C\u200D]/u;
const spaceBefore = /(?<!\p{White_Space})\p{White_Space}+$/u;
const spaceBehind = /^\p{White_Space}+/u;

/** Of two tokens with the same text the later counts. */
export function addedTokenSplitter(tokens: readonly AddedToken[]): (text: string) => Section[] {
  if (tokens.length === 0) return (text) => (text === '' ? [] : [text]);
  const root: Node = { next: new Map() };
  for (const token of tokens) {
    let node = root;
    for (let i = 0; i < token.content.length; i++) {
      const unit = token.content.charCodeAt(i);
      let next = node.next.get(unit);
      if (next === undefined) node.next.set(unit, (next = { next: new Map() }));
      node = next;
    }
    node.token = token;
  }
  return (text) => {
    const sections: Section[] = [];
    let begun = 0; // of the text since the last token
    for (let at = 0; at < text.length;) {
      const token = longestAt(root, text, at);
      const end = at + (token?.content.length ?? 1);
      if (token === undefined || (token.single_word === true && isWithinWord(text, at, end))) {
        at = end;
        continue;
      }
      const before = text.slice(begun, at);
      const kept = token.lstrip === true ? before.replace(spaceBefore, '') : before;
      if (kept !== '') sections.push(kept);
      sections.push(token.id);
      const space = token.rstrip === true ? (spaceBehind.exec(text.slice(end))?.[0].length ?? 0) : 0;
      at = begun = end + space;
    }
    if (begun < text.length) sections.push(text.slice(begun));
    return sections;
  };
}

function longestAt(root: Node, text: string, at: number): AddedToken | undefined {
  let found: AddedToken | undefined;
  let node: Node | undefined = root.next.get(text.charCodeAt(at));
  for (let i = at + 1; node !== undefined; i++) {
    found = node.token ?? found;
    node = i < text.length ? node.next.get(text.charCodeAt(i)) : undefined;
  }
  return found;
}

const isWithinWord = (text: string, start: number, end: number): boolean =>
  wordBefore.test(text.slice(Math.max(0, start - 2), start)) || wordBehind.test(text.slice(end, end + 2));
