import { LoranError } from '@loran/plugin';

/** A model or adapter that cannot be written as asked: the message says what stands in the way, and what to do. */
export const notExportable = (message: string): LoranError => new LoranError('NOT_EXPORTABLE', message);
