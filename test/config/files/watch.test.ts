// Watching: a call when content changed, however it changed, and none when it did not.

import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { LIMIT_MS } from '../../../deploy/demo/limit.ts';
import { loadConfig } from '../../../src/config/files/load.ts';
import { type Watching, type WatchOptions, watchFiles } from '../../../src/config/files/watch.ts';
import { type Folder, folder, writeGood } from './folder.ts';

/** Without the poll, only events can tell. */
const NO_POLL = { debounceMs: 20, maxDebounceMs: 100, pollMs: 1 << 30 } as const;
/** Without events in time, only the poll can. */
const POLL_ONLY = { debounceMs: 1 << 30, maxDebounceMs: 1 << 30, pollMs: 20 } as const;

interface Watched extends Watching {
  readonly calls: () => number;
  /** Asserts that what happened since the last look made one call. */
  readonly once: () => Promise<void>;
  /** Asserts that it made none. */
  readonly never: () => Promise<void>;
}

async function watched(t: TestContext, paths: readonly string[], options: WatchOptions = NO_POLL): Promise<Watched> {
  let calls = 0;
  let seen = 0;
  const watching = watchFiles(
    paths,
    () => {
      calls += 1;
    },
    options,
  );
  t.after(() => watching.close());
  // The first look.
  await watching.settled();
  seen = calls;
  const expect = async (wanted: number): Promise<void> => {
    await watching.settled();
    assert.equal(calls - seen, wanted);
    seen = calls;
  };
  return {
    ...watching,
    calls: () => calls,
    once: () => expect(1),
    never: () => expect(0),
  };
}

/** A Kubernetes volume: `file` is a link to `..data/file`, and `..data` to a folder that is swapped as a whole. */
function volume(into: Folder, name: string, content: string) {
  const path = join(into.path, name);
  const generation = (number: number, text: string): void => {
    mkdirSync(join(path, `..gen-${number}`), { recursive: true });
    writeFileSync(join(path, `..gen-${number}`, 'postern.yaml'), text);
    symlinkSync(`..gen-${number}`, join(path, '..data_tmp'));
    renameSync(join(path, '..data_tmp'), join(path, '..data'));
    rmSync(join(path, `..gen-${number - 1}`), { recursive: true, force: true });
  };
  generation(1, content);
  symlinkSync('..data/postern.yaml', join(path, 'postern.yaml'));
  return { file: join(path, 'postern.yaml'), generation };
}

describe('a watched file', () => {
  test('A file that is overwritten, appended to, replaced, removed and made again is reported each time', async (t) => {
    const here = folder(t);
    const file = here.write('a.yaml', 'one');
    const watch = await watched(t, [file]);
    writeFileSync(file, 'two');
    await watch.once();
    appendFileSync(file, 'three');
    await watch.once();
    renameSync(here.write('.a.yaml.tmp', 'four'), file);
    await watch.once();
    writeFileSync(file, 'five');
    await watch.once();
    rmSync(file);
    await watch.once();
    here.write('a.yaml', 'six');
    await watch.once();
  });

  test('A file is not reported when its content is the same, or when another file changes', async (t) => {
    const here = folder(t);
    const file = here.write('a.yaml', 'one');
    const watch = await watched(t, [file]);
    writeFileSync(file, 'one');
    await watch.never();
    utimesSync(file, new Date(), new Date(0));
    await watch.never();
    renameSync(here.write('.a.yaml.tmp', 'one'), file);
    await watch.never();
    here.write('b.yaml', 'two');
    await watch.never();
    // The watch is still there.
    writeFileSync(file, 'two');
    await watch.once();
  });

  test('A burst of changes is reported once', async (t) => {
    const here = folder(t);
    const files = ['a.yaml', 'b.pem', 'c.pem'].map((name) => here.write(name, 'one'));
    const watch = await watched(t, files, { ...NO_POLL, debounceMs: 2000, maxDebounceMs: LIMIT_MS });
    for (let round = 0; round < 10; round += 1) {
      for (const file of files) writeFileSync(file, `round ${round}`);
      await sleep(10);
    }
    await watch.once();
  });

  test('A file that never stops changing is still reported', async (t) => {
    const here = folder(t);
    const file = here.write('a.yaml', 'one');
    const watch = await watched(t, [file], { ...NO_POLL, debounceMs: 1000, maxDebounceMs: 100 });
    const before = watch.calls();
    let round = 0;
    const deadline = Date.now() + LIMIT_MS;
    while (watch.calls() === before && Date.now() < deadline) {
      round += 1;
      writeFileSync(file, `round ${round}`);
      await sleep(20);
    }
    assert.ok(watch.calls() > before);
  });
});

describe('symbolic links', () => {
  test('Each swap of a Kubernetes volume is reported, not only the first', async (t) => {
    const { file, generation } = volume(folder(t), 'volume', 'one');
    const watch = await watched(t, [file]);
    for (const number of [2, 3, 4]) {
      generation(number, `generation ${number}`);
      await watch.once();
    }
  });

  test('A swap to the same content is not reported, and a change after it is', async (t) => {
    const here = folder(t);
    const { file, generation } = volume(here, 'volume', 'one');
    const watch = await watched(t, [file]);
    generation(2, 'one');
    await watch.never();
    writeFileSync(join(dirname(file), '..gen-2', 'postern.yaml'), 'two');
    await watch.once();
    generation(3, 'three');
    await watch.once();
  });

  test('A change of a link anywhere in the path is reported: the file, its folder, the folder above', async (t) => {
    const here = folder(t);
    here.write('v1/conf/a.yaml', 'one');
    here.write('v2/conf/a.yaml', 'two');
    here.write('v3/a.yaml', 'three');
    const swap = (target: string, link: string): void => {
      symlinkSync(target, join(here.path, 'new'));
      renameSync(join(here.path, 'new'), join(here.path, link));
    };
    swap('v1', 'current');
    const watch = await watched(t, [join(here.path, 'current/conf/a.yaml')]);
    swap('v2', 'current');
    await watch.once();
    // The folder itself becomes a link out of the tree.
    renameSync(join(here.path, 'v2/conf'), join(here.path, 'v2/old'));
    symlinkSync(join(here.path, 'v3'), join(here.path, 'v2/conf'));
    await watch.once();
    writeFileSync(join(here.path, 'v3/a.yaml'), 'four');
    await watch.once();
  });

  test('A circle of links is a file that cannot be read, until it is replaced', async (t) => {
    const here = folder(t);
    symlinkSync('b', join(here.path, 'a'));
    symlinkSync('a', join(here.path, 'b'));
    const watch = await watched(t, [join(here.path, 'a')]);
    await watch.never();
    rmSync(join(here.path, 'a'));
    here.write('a', 'one');
    await watch.once();
  });
});

describe('folders', () => {
  test('A file in a folder that does not exist yet is reported when it appears', async (t) => {
    const here = folder(t);
    const watch = await watched(t, [join(here.path, 'late/folder/a.yaml')]);
    mkdirSync(join(here.path, 'late'));
    await watch.never();
    here.write('late/folder/a.yaml', 'one');
    await watch.once();
    here.write('late/folder/a.yaml', 'two');
    await watch.once();
  });

  test('A folder that is removed and made again is watched again', async (t) => {
    const here = folder(t);
    const file = here.write('conf/a.yaml', 'one');
    const watch = await watched(t, [file]);
    rmSync(join(here.path, 'conf'), { recursive: true });
    await watch.once();
    here.write('conf/a.yaml', 'two');
    await watch.once();
    here.write('conf/a.yaml', 'three');
    await watch.once();
  });
});

describe('the poll', () => {
  test('The poll reports a change that no event reported', async (t) => {
    const here = folder(t);
    const file = here.write('a.yaml', 'one');
    const watch = await watched(t, [file], POLL_ONLY);
    writeFileSync(file, 'two');
    await watch.once();
    await watch.never();
  });
});

describe('an update of what is watched', () => {
  test('An update adds and drops files, and is no change by itself', async (t) => {
    const here = folder(t);
    const [a, b] = [here.write('a/a.yaml', 'one'), here.write('b/b.yaml', 'one')];
    const watch = await watched(t, [a]);
    watch.update([a, b]);
    await watch.never();
    writeFileSync(b, 'two');
    await watch.once();
    watch.update([b]);
    writeFileSync(a, 'two');
    await watch.never();
    writeFileSync(b, 'three');
    await watch.once();
  });

  test('An update does not forget a change that happens around it', async (t) => {
    const here = folder(t);
    const file = here.write('a.yaml', 'one');
    const watch = await watched(t, [file]);
    writeFileSync(file, 'two');
    watch.update([file]);
    await watch.once();
  });

  test('A change between loading and watching is reported, when the digests of what was loaded are given', async (t) => {
    const here = folder(t);
    const file = writeGood(here);
    const { dependencies, digests } = await loadConfig(file, { inline: true });
    const same = await watched(t, dependencies, { ...NO_POLL, seen: digests });
    assert.equal(same.calls(), 0);
    here.write('bundles/partner.pem', 'another');
    const late = await watched(t, dependencies, { ...NO_POLL, seen: digests });
    assert.equal(late.calls(), 1);
  });

  test('A change that the caller has read itself is not reported, and one after that is', async (t) => {
    const here = folder(t);
    const file = writeGood(here);
    const before = await loadConfig(file, { inline: true });
    // Longer than it takes to read the file again, on any machine.
    const slow = { ...NO_POLL, debounceMs: 4000, maxDebounceMs: 4000 };
    const watch = await watched(t, before.dependencies, { ...slow, seen: before.digests });
    here.write('bundles/partner.pem', 'another');
    const after = await loadConfig(file, { inline: true });
    watch.update(after.dependencies, after.digests);
    await watch.never();
    here.write('bundles/partner.pem', 'a third');
    watch.update(after.dependencies, after.digests);
    await watch.once();
  });
});

test('A pipe among the watched files blocks nothing', async (t) => {
  const here = folder(t);
  const file = here.write('a.yaml', 'one');
  const watch = await watched(t, [here.fifo('pipe.pem'), '/dev/zero', here.path, file]);
  writeFileSync(file, 'two');
  await watch.once();
});

test('Nothing is reported after close', async (t) => {
  const here = folder(t);
  const file = here.write('a.yaml', 'one');
  const watch = await watched(t, [file]);
  const other = await watched(t, [file]);
  writeFileSync(file, 'two');
  watch.close();
  // The other one is told: by then the closed one would have been.
  await other.once();
  await watch.never();
  writeFileSync(file, 'three');
  await other.once();
  await watch.never();
});

test('A closed watch opens no watcher when a turn that was running updates it, so that the process can end', async (t) => {
  // A handle counts until the loop has closed it.
  const watchers = async (): Promise<number> => {
    await nextTurn();
    await nextTurn();
    return process.getActiveResourcesInfo().filter((kind) => kind === 'FSEventWrap').length;
  };
  const files = folder(t);
  const file = files.write('a', '1');
  const other = files.write('b/c', '1');
  const before = await watchers();
  const watching = watchFiles([file], () => {}, NO_POLL);
  assert.ok((await watchers()) > before);
  watching.close();
  watching.update([file, other]);
  assert.equal(await watchers(), before);
});
