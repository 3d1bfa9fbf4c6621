import { useId, type ReactNode } from 'react';
import { RATE_BOUNDS } from '../../../scoring/impostor-tail.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import css from './rate-slider.module.css';

/** Steps of a tenth of a power of ten. */
const STEPS_A_DECADE = 10;
const FROM = Math.round(Math.log10(RATE_BOUNDS.least) * STEPS_A_DECADE);
const TO = Math.floor(Math.log10(RATE_BOUNDS.most) * STEPS_A_DECADE);

interface RateSliderProps {
  rate: number;
  onChange: (rate: number) => void;
  /** The rate that the service itself decided at. */
  asked: number;
}

/** How many false accepts can be afforded, on a scale of powers of ten. */
export function RateSlider({ rate, onChange, asked }: RateSliderProps): ReactNode {
  const t = useMessages().decide;
  const format = useFormat();
  const id = useId();
  const step = Math.round(Math.log10(rate) * STEPS_A_DECADE);
  const text = t.rateOf(format.number(Math.round(1 / rate)), format.percent(rate));
  return (
    <div className={css['slider']}>
      <label htmlFor={id}>{t.rate}</label>
      <input
        id={id}
        type="range"
        min={FROM}
        max={TO}
        step={1}
        value={step}
        aria-valuetext={text}
        onChange={(event) => {
          const chosen = Number(event.target.value);
          // The rate that was asked for is met exactly where the slider stands at it.
          const atAsked = chosen === Math.round(Math.log10(asked) * STEPS_A_DECADE);
          onChange(atAsked ? asked : Number((10 ** (chosen / STEPS_A_DECADE)).toPrecision(2)));
        }}
      />
      <output htmlFor={id} className="numeric">
        {text}
      </output>
    </div>
  );
}
