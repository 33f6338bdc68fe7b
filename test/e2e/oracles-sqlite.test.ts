import { describeOracles } from './oracles.ts';

describeOracles('SQLite', () =>
  Promise.resolve({
    environment: { DATABASE_URL: 'sqlite:./mdp.db' },
    drop: () => Promise.resolve(),
  }),
);
