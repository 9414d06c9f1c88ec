/** A Blob that tells how much of it has been read: `fetch` says nothing about an upload under way. */
export class CountedBlob extends Blob {
  override readonly size: number;
  readonly #content: Blob;
  readonly #onRead: (bytes: number) => void;

  /** `onRead` gets the number of bytes read so far, from 0 again for each stream. */
  constructor(content: Blob, onRead: (bytes: number) => void) {
    super([]);
    this.size = content.size;
    this.#content = content;
    this.#onRead = onRead;
  }

  override stream(): ReturnType<Blob['stream']> {
    let bytes = 0;
    const count = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        bytes += chunk.length;
        this.#onRead(bytes);
        controller.enqueue(chunk);
      },
    });
    return this.#content.stream().pipeThrough(count) as ReturnType<Blob['stream']>;
  }
}
