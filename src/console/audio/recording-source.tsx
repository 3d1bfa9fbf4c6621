import { Tabs } from '@base-ui/react/tabs';
import { useState, type ReactNode } from 'react';
import { useApi } from '../api/context.js';
import { sampleFile, useSamples } from '../api/samples.js';
import { useMessages } from '../i18n/index.js';
import layout from '../styles/layout.module.css';
import { Button } from '../ui/button.js';
import { Select } from '../ui/field.js';
import { useToast } from '../ui/toast.js';
import { FileDrop } from './file-drop.js';
import { RecorderPanel } from './recorder-panel.js';
import css from './recording-source.module.css';

interface RecordingSourceProps {
  name: string;
  onFiles: (files: File[]) => void;
  multiple: boolean;
  wantedSeconds: number;
  /** Why nothing can be recorded by microphone now; files may be. */
  microphoneBlocked?: string | undefined;
  disabled?: boolean;
  prompt?: ReactNode;
}

/** Where a recording comes from: the microphone, a file, or a sample. */
export function RecordingSource(props: RecordingSourceProps): ReactNode {
  const { name, onFiles, multiple, wantedSeconds, microphoneBlocked, disabled = false, prompt } = props;
  const t = useMessages().recorder;
  const samples = useSamples() ?? [];
  return (
    <Tabs.Root defaultValue="microphone">
      <Tabs.List className={css['tabs']} aria-label={t.source}>
        <Tabs.Tab value="microphone" className={css['tab']}>
          {t.microphone}
        </Tabs.Tab>
        <Tabs.Tab value="files" className={css['tab']}>
          {t.files}
        </Tabs.Tab>
        {samples.length > 0 && (
          <Tabs.Tab value="samples" className={css['tab']}>
            {t.samples}
          </Tabs.Tab>
        )}
      </Tabs.List>
      <Tabs.Panel value="microphone">
        <RecorderPanel
          name={name}
          onTake={({ file }) => onFiles([file])}
          wantedSeconds={wantedSeconds}
          blocked={microphoneBlocked}
          prompt={prompt}
        />
      </Tabs.Panel>
      <Tabs.Panel value="files">
        <FileDrop onFiles={onFiles} multiple={multiple} disabled={disabled} />
      </Tabs.Panel>
      <Tabs.Panel value="samples">
        <SampleChoice
          names={samples.map((sample) => sample.name)}
          onFile={(file) => onFiles([file])}
          disabled={disabled}
        />
      </Tabs.Panel>
    </Tabs.Root>
  );
}

interface SampleChoiceProps {
  names: readonly string[];
  onFile: (file: File) => void;
  disabled: boolean;
}

function SampleChoice({ names, onFile, disabled }: SampleChoiceProps): ReactNode {
  const t = useMessages().recorder;
  const api = useApi();
  const { tellError } = useToast();
  const [chosen, setChosen] = useState(names[0] ?? '');
  const take = async (): Promise<void> => {
    try {
      onFile(await sampleFile(api, chosen));
    } catch (error) {
      tellError(error);
    }
  };
  return (
    <div className={layout['tight']}>
      <Select
        label={t.sample}
        hint={t.synthetic}
        value={chosen}
        options={names.map((name) => [name, name] as const)}
        onChange={setChosen}
      />
      <div>
        <Button disabled={disabled} onClick={() => void take()}>
          {t.useSample}
        </Button>
      </div>
    </div>
  );
}
