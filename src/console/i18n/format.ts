/** Beyond a million to one the number of noughts tells nobody anything. */
const MOST_LLR = Math.log(1e6);

/** Numbers, times and units in one locale. */
export class Format {
  private readonly plurals: Intl.PluralRules;

  constructor(readonly locale: string) {
    this.plurals = new Intl.PluralRules(locale);
  }

  /** `1,234.5` */
  number(value: number, digits = 0): string {
    return new Intl.NumberFormat(this.locale, { maximumFractionDigits: digits }).format(value);
  }

  /** A share in [0, 1] with as many digits as it needs: `1 %`, `0.01 %`. */
  percent(share: number, digits = 2): string {
    return new Intl.NumberFormat(this.locale, { style: 'percent', maximumSignificantDigits: digits }).format(share);
  }

  /** `12.3 s` */
  seconds(value: number, digits = 1): string {
    const options = { style: 'unit', unit: 'second', unitDisplay: 'short' } as const;
    return new Intl.NumberFormat(this.locale, { ...options, maximumFractionDigits: digits }).format(value);
  }

  /** `1:02:03`, `2:03` */
  duration(seconds: number): string {
    const whole = Math.max(0, Math.floor(seconds));
    const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    const two = (value: number): string => String(value).padStart(2, '0');
    return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
  }

  /** `1.2 MB` */
  bytes(value: number): string {
    const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
    const power = Math.min(units.length - 1, value < 1 ? 0 : Math.floor(Math.log10(value) / 3));
    const options = { style: 'unit', unit: units[power]!, unitDisplay: 'short', maximumFractionDigits: 1 } as const;
    return new Intl.NumberFormat(this.locale, options).format(value / 1000 ** power);
  }

  /** Evidence (natural log-likelihood ratio) as odds: `120 : 1`, `1 : 8`. */
  odds(llr: number): string {
    const ratio = Math.exp(Math.min(Math.abs(llr), MOST_LLR));
    const text = new Intl.NumberFormat(this.locale, { maximumSignificantDigits: 2 }).format(ratio);
    const shown = Math.abs(llr) > MOST_LLR ? `> ${text}` : text;
    return llr >= 0 ? `${shown} : 1` : `1 : ${shown}`;
  }

  dateTime(iso: string): string {
    return new Intl.DateTimeFormat(this.locale, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso));
  }

  date(iso: string): string {
    return new Intl.DateTimeFormat(this.locale, { dateStyle: 'medium' }).format(new Date(iso));
  }

  /** `one` or `other`, whichever the number takes in this language. */
  plural(count: number, one: string, other: string): string {
    return (this.plurals.select(count) === 'one' ? one : other).replace('#', this.number(count));
  }
}
