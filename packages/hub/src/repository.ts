/** Names that come from the user or the server and end up in addresses and file names: repositories, revisions, paths. */
import { LoranError } from '@loran/plugin';

/** What a repository holds. */
export type RepositoryType = 'model' | 'dataset';

/** A repository of the hub, such as `HuggingFaceTB/SmolLM2-135M`, and what of it is meant. */
export interface Repository {
  readonly name: string;
  readonly type: RepositoryType;
  /** Branch, tag or commit. */
  readonly revision: string;
}

/**
 * Reads `name` or `organisation/name`, with a revision after `@` if wanted.
 * @throws LoranError `HUB_NAME` where the hub could not have such a name.
 */
export function repositoryFrom(id: string, type: RepositoryType, revision: string | undefined): Repository {
  const [, name = '', own] = /^([^@]*)(?:@(.*))?$/s.exec(id) ?? [];
  const parts = name.split('/');
  const good =
    parts.length <= 2 &&
    name.length <= 96 &&
    parts.every((part) => /^\w(?:[\w.-]*\w)?$/.test(part)) &&
    !/--|\.\./.test(name);
  if (!good)
    throw new LoranError(
      'HUB_NAME',
      `${JSON.stringify(id)} is not a ${type} of the hub: expected organisation/name, such as HuggingFaceTB/SmolLM2-135M, and @revision after it if wanted.`,
    );
  return { name, type, revision: checkedRevision(own ?? revision ?? 'main') };
}

/** The address of a repository's page, for messages. */
export function pageOf(endpoint: string, { name, type }: Pick<Repository, 'name' | 'type'>): string {
  return `${endpoint}/${type === 'dataset' ? 'datasets/' : ''}${name}`;
}

/** Where one file of a commit is fetched from. */
export function fileAddress(endpoint: string, repository: Repository, commit: string, file: string): string {
  return `${pageOf(endpoint, repository)}/resolve/${commit}/${file.split('/').map(encodeURIComponent).join('/')}`;
}

export function isCommit(text: unknown): text is string {
  return typeof text === 'string' && /^[0-9a-f]{40}$/.test(text);
}

/** Whether a path of a repository stays inside the folder it is joined to, under the rules of POSIX and of Windows. */
export function staysInside(file: string): boolean {
  return (
    file.length <= 1024 &&
    !/[\0\\]/.test(file) &&
    file.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && !/^[a-zA-Z]:/.test(part))
  );
}

/** A revision becomes a file under refs/ and a part of addresses. */
function checkedRevision(revision: string): string {
  if (staysInside(revision) && /^[\w][\w./+-]*$/.test(revision) && !revision.includes('//')) return revision;
  throw new LoranError(
    'HUB_NAME',
    `${JSON.stringify(revision)} is not a revision: expected a branch, a tag or a commit, such as main, v1.0 or refs/pr/1.`,
  );
}
