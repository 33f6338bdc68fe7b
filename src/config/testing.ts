import { MdpError } from '../runtime/errors.ts';
import { type LoadedConfig, loadConfig, type LoadRequest } from './load.ts';

/**
 * A configuration to load in a test: files by path, `config.yaml` among them, and nothing of this
 * process.
 */
export type Given = Omit<LoadRequest, 'readFile'> & {
  readonly files?: Readonly<Record<string, string>>;
};

export function load({ files = {}, ...request }: Given): LoadedConfig {
  const readFile = (path: string): string => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
    return text;
  };
  return loadConfig({ env: {}, ...request, readFile });
}

/** The lines of the error that refuses the configuration, none if it is taken. */
export function refusal(given: Given): readonly string[] {
  try {
    load(given);
    return [];
  } catch (error) {
    if (error instanceof MdpError && error.code === 'config') return error.message.split('\n');
    throw error;
  }
}
