/** What systemd would hear from the executable, on a notify socket of the test's own. */
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { readSupervisor } from '../../src/config/supervisor.ts';
import { openNotify } from '../../src/runtime/notify.ts';
import { inDirectory, startMdp, until } from '../e2e/mdp.ts';
import { listenNotify, type NotifySocket } from './notify-socket.ts';

const onLinux = test.skipIf(process.platform !== 'linux');

const WATCHDOG_MS = 400;

const heard = (socket: NotifySocket, words: string): Promise<readonly string[]> =>
  until(
    () => Promise.resolve(socket.messages()),
    (messages) => messages.some((message) => message.includes(words)),
  );

const pulses = (socket: NotifySocket): number =>
  socket.messages().filter((message) => message === 'WATCHDOG=1').length;

onLinux.each(['in a directory', 'abstract'])(
  'says READY, STATUS and STOPPING, to a socket %s',
  (where) =>
    inDirectory(async (directory) => {
      const path = where === 'abstract' ? `@${directory}` : join(directory, 'notify');
      const socket = listenNotify(path);
      const run = await startMdp(directory, { NOTIFY_SOCKET: path, PIPELINE_DRAIN_MS: '7000' });
      const [first] = await heard(socket, 'READY=1');
      expect(first).toStartWith('READY=1\nSTATUS=');
      await heard(socket, 'STATUS=healthy, 1 of 1 sources open, ');
      expect(socket.messages().join('\n')).not.toContain('STOPPING=1');
      expect(await run.stop()).toBe(0);
      const last = await heard(socket, 'STOPPING=1');
      expect(last.at(-1)).toContain('STOPPING=1\nEXTEND_TIMEOUT_USEC=17000000\nSTATUS=draining, ');
      socket.close();
    }),
);

onLinux(
  'pulses while it turns, at least twice in every watchdog interval, and not while it hangs',
  () =>
    inDirectory(async (directory) => {
      const path = join(directory, 'notify');
      const socket = listenNotify(path);
      const run = await startMdp(directory, {
        NOTIFY_SOCKET: path,
        WATCHDOG_USEC: String(WATCHDOG_MS * 1000),
      });
      await heard(socket, 'WATCHDOG=1');
      const began = performance.now();
      const before = pulses(socket);
      await until(
        () => Promise.resolve(pulses(socket)),
        (count) => count >= before + 5,
      );
      expect(performance.now() - began).toBeLessThan(5 * WATCHDOG_MS);
      run.signal('SIGSTOP');
      await Bun.sleep(WATCHDOG_MS);
      const hanging = pulses(socket);
      await Bun.sleep(2 * WATCHDOG_MS);
      expect(pulses(socket)).toBe(hanging);
      run.signal('SIGCONT');
      expect(await run.stop()).toBe(0);
      socket.close();
    }),
);

onLinux('pulses for nobody when the watchdog is meant for another process', () =>
  inDirectory(async (directory) => {
    const path = join(directory, 'notify');
    const socket = listenNotify(path);
    const run = await startMdp(directory, {
      NOTIFY_SOCKET: path,
      WATCHDOG_USEC: '100000',
      WATCHDOG_PID: '1',
    });
    await heard(socket, 'STATUS=healthy');
    expect(await run.stop()).toBe(0);
    expect(pulses(socket)).toBe(0);
    socket.close();
  }),
);

onLinux('runs and stops as ever when nobody listens at the socket that is named', () =>
  inDirectory(async (directory) => {
    const run = await startMdp(directory, { NOTIFY_SOCKET: join(directory, 'nobody') });
    expect((await run.get('/health/live')).status).toBe(200);
    expect(await run.stop()).toBe(0);
  }),
);

test('a name that is no socket address is none', () => {
  expect(openNotify('relative/path')).toBeUndefined();
  expect(openNotify(`/${'x'.repeat(200)}`)).toBeUndefined();
});

test('a watchdog is read in milliseconds, and only beside a socket', () => {
  const socket = '/run/systemd/notify';
  expect(readSupervisor({ WATCHDOG_USEC: '30000000' }, 7)).toBeUndefined();
  expect(readSupervisor({ NOTIFY_SOCKET: socket }, 7)).toEqual({ socket, watchdogMs: undefined });
  expect(
    readSupervisor({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, 7),
  ).toEqual({ socket, watchdogMs: 30_000 });
});
