import type { Source, SourceReport, SymbolReport } from '../sources/source.ts';
import type { Pipeline } from './pipeline.ts';

/**
 * A source's report, with what its data say about its symbols. A venue that acknowledges names that
 * do not exist confirms nothing by it: there a symbol is `unconfirmed` until it has spoken.
 */
export const reportOf = ({ sourceSet }: Pipeline, source: Source): SourceReport => {
  const report = source.report();
  if (!sourceSet.facts(source.venue).acksUnknownNames) return report;
  const { symbols, ...others } = report;
  const stats = sourceSet.stats.get(source.name);
  return {
    ...others,
    symbols: symbols.map((each) =>
      each.state === 'subscribed' && stats?.lastHeard(each.symbol) === undefined
        ? unconfirmed(each)
        : each,
    ),
  };
};

const unconfirmed = ({ symbol }: SymbolReport): SymbolReport => ({
  symbol,
  state: 'unconfirmed',
  reason: 'acknowledged, as any name is; no data of it so far',
});
