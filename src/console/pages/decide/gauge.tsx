import type { ReactNode } from 'react';
import { useFormat, useMessages } from '../../i18n/index.js';
import css from './gauge.module.css';

/** Evidence beyond these natural log-likelihood ratios stands at the end. */
const ENDS = { from: -10, to: 15 };

interface GaugeProps {
  label: string;
  /** Natural log-likelihood ratios. */
  evidence: number | null;
  threshold: number | null;
  tone: 'good' | 'warn' | 'bad';
}

/** Evidence on a line, with what had to be reached. */
export function Gauge({ label, evidence, threshold, tone }: GaugeProps): ReactNode {
  const t = useMessages().decide;
  const format = useFormat();
  const at = (llr: number): string =>
    `${(Math.max(0, Math.min(1, (llr - ENDS.from) / (ENDS.to - ENDS.from))) * 100).toFixed(2)}%`;
  const words = [
    evidence === null ? t.noEvidence : t.evidenceOf(format.odds(evidence)),
    threshold === null ? '' : t.thresholdOf(format.odds(threshold)),
  ].join(' ');
  return (
    <div className={css['gauge']}>
      <div
        role="meter"
        aria-label={label}
        aria-valuemin={ENDS.from}
        aria-valuemax={ENDS.to}
        aria-valuenow={evidence ?? ENDS.from}
        aria-valuetext={words}
        className={css['line']}
      >
        {evidence !== null && <div className={css['fill']} data-tone={tone} style={{ width: at(evidence) }} />}
        {threshold !== null && <div className={css['mark']} style={{ left: at(threshold) }} />}
      </div>
      <div className={css['ends']} aria-hidden>
        <span>{t.different}</span>
        {threshold !== null && (
          <span className={css['at']} style={{ left: at(threshold) }}>
            {t.threshold}
          </span>
        )}
        <span>{t.same}</span>
      </div>
    </div>
  );
}
