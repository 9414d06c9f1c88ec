export { downloadModel, downloadSnapshot, listRepository } from './download.js';
export type { ModelOptions, Snapshot, SnapshotOptions } from './download.js';
export type { DownloadProgress } from './fetch-snapshot.js';
export type { HubOptions } from './hub-options.js';
export type { RepositoryType } from './repository.js';
export { uploadFolder } from './upload-folder.js';
export type { Upload, UploadOptions, UploadProgress } from './upload-folder.js';
