import { Checkbox as BaseCheckbox } from '@base-ui/react/checkbox';
import { Check } from 'lucide-react';
import { useId, type ComponentProps, type ReactNode } from 'react';
import css from './field.module.css';

interface Labelled {
  label: string;
  /** More than the label says, read with it. */
  hint?: string;
  error?: string | undefined;
}

interface TextFieldProps extends Labelled, Omit<ComponentProps<'input'>, 'onChange' | 'id'> {
  onChange: (value: string) => void;
}

export function TextField({ label, hint, error, onChange, ...rest }: TextFieldProps): ReactNode {
  const id = useId();
  return (
    <div className={css['field']}>
      <label htmlFor={id}>{label}</label>
      <input
        {...rest}
        id={id}
        className={css['input']}
        aria-invalid={error !== undefined || undefined}
        aria-describedby={`${id}-hint ${id}-error`}
        onChange={(event) => onChange(event.target.value)}
      />
      <Described id={id} hint={hint} error={error} />
    </div>
  );
}

interface SelectProps<Value extends string> extends Labelled {
  value: Value;
  options: readonly (readonly [value: Value, label: string])[];
  onChange: (value: Value) => void;
  disabled?: boolean;
  /** The label is read out but not shown. */
  compact?: boolean;
}

/** The platform's own: its keyboard, its list on a telephone, and nothing to load. */
export function Select<Value extends string>(props: SelectProps<Value>): ReactNode {
  const { label, hint, error, value, options, onChange, disabled = false, compact = false } = props;
  const id = useId();
  return (
    <div className={css['field']}>
      <label htmlFor={id} className={compact ? 'visually-hidden' : undefined}>
        {label}
      </label>
      <select
        id={id}
        className={css['input']}
        value={value}
        disabled={disabled}
        aria-describedby={`${id}-hint ${id}-error`}
        onChange={(event) => onChange(event.target.value as Value)}
      >
        {options.map(([of, text]) => (
          <option key={of} value={of}>
            {text}
          </option>
        ))}
      </select>
      <Described id={id} hint={hint} error={error} />
    </div>
  );
}

interface CheckboxProps extends Labelled {
  checked: boolean;
  onChange: (checked: boolean) => void;
  disabled?: boolean;
}

export function Checkbox({ label, hint, error, checked, onChange, disabled = false }: CheckboxProps): ReactNode {
  const id = useId();
  return (
    <div className={css['check']}>
      <BaseCheckbox.Root
        id={id}
        className={css['box']}
        checked={checked}
        disabled={disabled}
        onCheckedChange={(is) => onChange(is)}
        aria-describedby={`${id}-hint ${id}-error`}
      >
        <BaseCheckbox.Indicator className={css['tick']}>
          <Check aria-hidden size={14} strokeWidth={3} />
        </BaseCheckbox.Indicator>
      </BaseCheckbox.Root>
      <div>
        <label htmlFor={id}>{label}</label>
        <Described id={id} hint={hint} error={error} />
      </div>
    </div>
  );
}

function Described({
  id,
  hint,
  error,
}: {
  id: string;
  hint: string | undefined;
  error: string | undefined;
}): ReactNode {
  return (
    <>
      {hint !== undefined && (
        <p id={`${id}-hint`} className={css['hint']}>
          {hint}
        </p>
      )}
      {error !== undefined && (
        <p id={`${id}-error`} className={css['error']} role="alert">
          {error}
        </p>
      )}
    </>
  );
}
