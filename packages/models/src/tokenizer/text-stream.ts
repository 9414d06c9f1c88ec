/**
 * The text of tokens as they come. Tokens are decoded together with some before them, since a character may take several and
 * a space may belong to either side; only what later tokens cannot change is given out.
 */
export interface TextStream {
  /** Takes tokens; returns the text that they make certain, which may be none. */
  push(ids: readonly number[]): string;
  /** The rest, once no more tokens come: bytes that never became a character are U+FFFD. */
  end(): string;
}

const longest = 32; // tokens decoded again at each push
const kept = 8; // of them when the window moves on: more than one character ever takes

export function textStream(decode: (ids: readonly number[]) => string): TextStream {
  let window: number[] = [];
  let given = 0; // characters of the window's text that were given out
  const give = (text: string, upTo: number): string => {
    const added = text.slice(given, upTo);
    given = Math.max(given, upTo);
    return added;
  };
  return {
    push(ids) {
      let added = '';
      for (const id of ids) {
        window.push(id);
        const text = decode(window);
        const certain = text.replace(/\uFFFD{1,4}$/, '').length; // at most four bytes wait to become a character
        added += give(text, certain);
        if (window.length < longest || (certain < text.length && window.length < 2 * longest)) continue;
        added += give(text, text.length);
        window = window.slice(-kept);
        given = decode(window).length;
      }
      return added;
    },
    end() {
      const text = decode(window);
      return give(text, text.length);
    },
  };
}
