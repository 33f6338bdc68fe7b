/** The monitoring files by themselves: what promtool says, and that none of them is half. */
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { inDirectory } from '../e2e/mdp.ts';
import { readDashboard } from './dashboard.ts';
import { monitoring, readRules } from './prometheus.ts';
import { ran, has, succeeds } from './tools.ts';

const promtool = has('promtool', 'prometheus');
const file = (name: string): string => join(monitoring, name);
const text = (path: string): Promise<string> => Bun.file(path).text();

const alerts = (await readRules()).groups
  .flatMap(({ rules }) => rules)
  .filter(({ alert }) => alert !== undefined);

test.skipIf(!promtool)('promtool finds nothing in the configuration and the rules', async () => {
  await succeeds(['promtool', 'check', 'config', file('prometheus.yml')]);
  await succeeds(['promtool', 'check', 'rules', '--lint-fatal', file('alerts.yml')]);
});

test.skipIf(!promtool)('every alert keeps still before its fault and fires at it', async () => {
  await succeeds(['promtool', 'test', 'rules', file('alerts.test.yml')]);
  const cases = await text(file('alerts.test.yml'));
  for (const { alert } of alerts) expect(cases).toContain(`labels: '{alertname="${alert}"}'`);
});

test.skipIf(!promtool)('those cases fail when a threshold is moved out of reach', () =>
  inDirectory(async (directory) => {
    const rules = await text(file('alerts.yml'));
    expect(rules).toContain('> 0.25\n');
    await Bun.write(join(directory, 'alerts.yml'), rules.replace('> 0.25\n', '> 99\n'));
    const cases = join(directory, 'alerts.test.yml');
    await Bun.write(cases, await text(file('alerts.test.yml')));
    const { code, output } = await ran(['promtool', 'test', 'rules', cases]);
    expect(code).not.toBe(0);
    expect(output).toContain('MdpEventLoopSlow');
  }),
);

test('every alert says how grave it is, what is wrong, and where its runbook is', async () => {
  const operations = await text(join(monitoring, '../docs/operations.md'));
  const headings = new Set([...operations.matchAll(/^### (Mdp\w+)$/gm)].map(([, name]) => name));
  for (const { alert = '', labels = {}, annotations = {} } of alerts) {
    expect(['critical', 'warning']).toContain(labels['severity'] ?? '');
    expect(annotations['summary']).not.toBeEmpty();
    expect(annotations['description']).not.toBeEmpty();
    expect(annotations['runbook']).toBe(`docs/operations.md#${alert.toLowerCase()}`);
    expect(headings).toContain(alert);
  }
  expect(headings.size).toBe(alerts.length);
});

test('the dashboard is about what runs, and marks what is too much', async () => {
  const { panels } = await readDashboard();
  const rows = panels.filter(({ type }) => type === 'row').map(({ title }) => title);
  expect(rows).toEqual([
    'At a glance',
    'Throughput',
    'Sources',
    'Errors and holes',
    'Ledger',
    'Queues and database',
    'Journal',
    'Process',
  ]);
  for (const title of ['Queue depth', 'Waiting data', 'Commit latency', 'Lag', 'Resident memory']) {
    const steps = panels.find((panel) => panel.title === title)?.fieldConfig?.defaults.thresholds;
    expect({ title, marks: (steps?.steps.length ?? 0) > 1 }).toEqual({ title, marks: true });
  }
});

test('every panel has a title of its own, a description, a unit and a query', async () => {
  const { panels, templating } = await readDashboard();
  const shown = panels.filter(({ type }) => type !== 'row');
  expect(new Set(shown.map(({ title }) => title)).size).toBe(shown.length);
  for (const { title, description = '', fieldConfig, targets = [] } of shown) {
    expect(`${title}: ${description.length > 10}`).toBe(`${title}: true`);
    expect(fieldConfig?.defaults.unit).not.toBeEmpty();
    expect(targets.length).toBeGreaterThan(0);
  }
  const variables = templating.list.map(({ name }) => name);
  expect(variables).toEqual(['datasource', 'job', 'instance', 'source']);
});
