/** The service under a real systemd: installed, watched, restarted, refused, upgraded, stopped. */
import { afterAll, expect, test } from 'bun:test';
import { until } from '../e2e/mdp.ts';
import { binaryInside, bootSystemd } from './booted.ts';

const booted = await bootSystemd();

afterAll(() => booted?.stop());

/** What a command in there says; it must succeed. */
const inside = async (command: string): Promise<string> => {
  const { code, output } = (await booted?.run(command)) ?? { code: 1, output: 'not booted' };
  expect({ command, code, output: code === 0 ? '' : output }).toMatchObject({ code: 0 });
  return output;
};

const properties = ['ActiveState', 'SubState', 'StatusText', 'MainPID', 'NRestarts', 'Result'];

const shown = async (): Promise<Readonly<Record<string, string>>> => {
  const text = await inside(
    `systemctl show mdp -p ${[...properties, 'ExecMainStatus'].join(' -p ')}`,
  );
  return Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => {
        const at = line.indexOf('=');
        return [line.slice(0, at), line.slice(at + 1)] as const;
      }),
  );
};

/** The end of its log, everything that it has said until now among it. */
const logged = (): Promise<string> =>
  inside('journalctl --sync && journalctl -u mdp -n 20 --no-pager');

/** Waits until it runs as another process than `pid`. */
const runsAnew = (pid: string | undefined) =>
  until(shown, ({ ActiveState, MainPID }) => ActiveState === 'active' && MainPID !== pid);

const place = '/run/systemd/system/mdp.service.d';
const says = (setting: string): string => `printf '[Service]\\n${setting}\\n'`;

const live = test.skipIf(booted === undefined);

live('install.sh starts it; it is READY, tells how it is, and passes the smoke test', async () => {
  const install = `scripts/install.sh install --binary ${binaryInside()}`;
  const said = await inside(`DATABASE_URL=sqlite:/var/lib/mdp/mdp.db ${install}`);
  expect(said).toContain('install.sh: installed mdp ');
  await until(
    shown,
    ({ StatusText }) => StatusText?.startsWith('healthy, 1 of 1 sources open, ') === true,
  );
  await inside('scripts/smoke_test.sh');
});

live('it reloads its configuration when systemd says so', async () => {
  const { MainPID } = await shown();
  await inside('systemctl reload mdp');
  const metrics = (): Promise<string> => inside('curl -sS http://127.0.0.1:8083/metrics');
  await until(metrics, (text) => text.includes('mdp_config_reloads_total{outcome="taken"} 1'));
  expect(await shown()).toMatchObject({ MainPID, NRestarts: '0' });
});

live('it is started again when it hangs, and when it is killed', async () => {
  await inside(`mkdir -p ${place} && ${says('RestartSec=100ms')} >${place}/hurried.conf`);
  await inside(`${says('WatchdogSec=3')} >${place}/impatient.conf`);
  await inside('systemctl daemon-reload && systemctl restart mdp');
  const first = await shown();
  await inside(`kill -STOP ${first['MainPID']}`);
  const second = await runsAnew(first['MainPID']);
  expect(second['NRestarts']).toBe('1');
  await inside(`kill -KILL ${second['MainPID']}`);
  expect((await runsAnew(second['MainPID']))['NRestarts']).toBe('2');
  // On a busy machine three seconds are no sure sign of a hang: nothing else waits so briefly.
  await inside(`rm ${place}/impatient.conf && systemctl daemon-reload && systemctl restart mdp`);
});

live('it is not started again when its configuration is refused', async () => {
  await inside('mv /etc/mdp/config.yaml /etc/mdp/kept && echo "sinks: {}" >/etc/mdp/config.yaml');
  await booted?.run('systemctl restart mdp');
  const refused = await until(shown, ({ ActiveState }) => ActiveState === 'failed');
  expect(refused).toMatchObject({ Result: 'exit-code', ExecMainStatus: '2' });
  await Bun.sleep(500);
  expect(await shown()).toMatchObject({ ActiveState: 'failed', NRestarts: refused['NRestarts'] });
  expect(await logged()).toContain('config.yaml:1');
  await inside('mv /etc/mdp/kept /etc/mdp/config.yaml && systemctl restart mdp');
});

live('install.sh upgrades it while it runs; it drains when it is stopped, and goes', async () => {
  const { MainPID } = await shown();
  await inside(`scripts/install.sh upgrade --binary ${binaryInside()}`);
  await runsAnew(MainPID);
  await inside('systemctl stop mdp');
  expect(await shown()).toMatchObject({ ActiveState: 'inactive', Result: 'success' });
  expect(await logged()).toContain('Drained: everything');
  await inside('scripts/install.sh remove --purge');
  expect((await booted?.run('systemctl cat mdp'))?.code).toBe(1);
  expect((await booted?.run('ls /etc/mdp'))?.code).not.toBe(0);
});
