// Generated from docs/openapi.json by scripts/generate-client.mjs.
import type { Upload } from './upload.js';
export interface operations {
  getMetrics: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Stage timings, queue, requests, event loop, memory. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'text/plain': string;
        };
      };
    };
  };
  getLive: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It answers. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @enum {string} */
            status: 'ok' | 'error' | 'shutting_down';
            info: {
              [key: string]: {
                /** @enum {string} */
                status: 'up' | 'down';
              } & {
                [key: string]: unknown;
              };
            };
            error: {
              [key: string]: {
                /** @enum {string} */
                status: 'up' | 'down';
              } & {
                [key: string]: unknown;
              };
            };
            details: {
              [key: string]: {
                /** @enum {string} */
                status: 'up' | 'down';
              } & {
                [key: string]: unknown;
              };
            };
          };
        };
      };
    };
  };
  getReady: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The model is loaded, the database answers, and every voice can be found. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @enum {string} */
            status: 'ok' | 'error' | 'shutting_down';
            info: {
              [key: string]: {
                /** @enum {string} */
                status: 'up' | 'down';
              } & {
                [key: string]: unknown;
              };
            };
            error: {
              [key: string]: {
                /** @enum {string} */
                status: 'up' | 'down';
              } & {
                [key: string]: unknown;
              };
            };
            details: {
              [key: string]: {
                /** @enum {string} */
                status: 'up' | 'down';
              } & {
                [key: string]: unknown;
              };
            };
          };
        };
      };
    };
  };
  getInfo: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Also while the model is loading. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            version: string;
            /** @enum {string} */
            state: 'fetching' | 'loading' | 'ready' | 'failed' | 'closed';
            /** @description The state for people. */
            message: string;
            uptimeSeconds: number;
            /**
             * @description Whether recordings are decoded in processes of their own, behind walls.
             * @enum {string}
             */
            decoders: 'process' | 'none';
            /** @description Null until the model is loaded. */
            model: {
              /**
               * @description What embeddings carry.
               * @example starter@0123456789ab
               */
              name: string;
              id: string;
              family: string;
              trained: boolean;
              embeddingDim: number;
              sampleRate: number;
              shortestSeconds: number;
              device: string;
              /** @description Why the device is not a better one. */
              deviceNote: string;
              /**
               * @description What the network multiplies in.
               * @enum {string}
               */
              precision: 'fp32' | 'bf16' | 'int8';
              workers: number;
              /** @description Whether scores carry llr and probability. */
              calibrated: boolean;
              /** @description A published model that tells voices apart better; null where none is known. */
              better: {
                model: string;
                /** @description What fetches it. */
                command: string;
              } | null;
            } | null;
            /** @description Net speech that is needed; what lacks some says how much. */
            speech: {
              /**
               * @description Of a recording, to verify or identify with.
               * @example 1
               */
              matchSeconds: number;
              /**
               * @description Of a recording, to become part of a profile.
               * @example 1
               */
              updateSeconds: number;
              /**
               * @description Of all recordings of a speaker, to count as enrolled.
               * @example 20
               */
              createSeconds: number;
            };
            /**
             * @description Whether a speaker's consent comes before enrolling.
             * @enum {string}
             */
            consent: 'required' | 'optional';
            /**
             * @description Whether it can be told who speaks when: ready; absent: the network for it is fetched by the first conversation; off.
             * @enum {string}
             */
            conversations: 'ready' | 'absent' | 'off';
            /**
             * @description Whether voices of conversations that get no name are kept, to be named later.
             * @enum {string}
             */
            unknownVoices: 'on' | 'off';
            /** @description Keeping of audio; docs/recordings.md. */
            recordings: {
              /** @description Whether the audio of enrolments is kept where no group of the speaker says so. */
              keep: boolean;
              /** @description A larger recording is enrolled without its audio. */
              largestBytes: number;
              /** @description Of all that are kept. */
              totalBytes: number;
              /** @description After which the audio is removed; 0: it stays as long as the enrolment. */
              days: number;
            };
            /** @description How voices are found; docs/profiles.md. */
            voiceIndex: {
              /**
               * @description Who searches: each node in its memory, with vectors as they are or rounded, or PostgreSQL.
               * @enum {string}
               */
              kind: 'native' | 'compact' | 'pgvector';
              /** @description Of searches among everybody that need not be exact; null where all are. */
              approximate: {
                /** @description Share of the nearest voices that are found, on a sample of the stored ones. */
                recall: number;
                /**
                 * @description Below it searches are exact, which takes longer.
                 * @example 0.99
                 */
                leastRecall: number;
                inUse: boolean;
                /** Format: date-time */
                measuredAt: string;
              } | null;
            };
            /** @description What verifications and identifications are decided by; null until the model is loaded. */
            decisions: {
              /** @description Whose evidence and thresholds these are. */
              calibration: {
                /**
                 * @description `model`: the bundle's own; `file`: that of TIMBRE_CALIBRATION; `saved`: the version that is in use.
                 * @enum {string}
                 */
                from: 'model' | 'file' | 'saved';
                /** @description Of a saved one. */
                version: number | null;
              };
              /** @enum {string|null} */
              thresholdFrom: 'option' | 'calibration' | 'published' | null;
              /** @description A cosine that decides at whatever rate; null: the rate decides. */
              cosine: number | null;
              /**
               * @description Per request, where a request names no other.
               * @example 0.01
               */
              falseAcceptRate: number;
              thresholds: {
                falseAcceptRate: number;
                cosine: number | null;
                llr: number | null;
              }[];
              /** @description How high strangers score, as src/scoring/impostor-tail.ts has it. */
              impostorTail: {
                start: number;
                share: number;
                scale: number;
                shape: number;
                body: number[][];
                leastRate: number;
              } | null;
            } | null;
            /** @description Every bound on requests; docs/configuration.md. */
            limits: {
              [key: string]: unknown;
            };
          };
        };
      };
    };
  };
  createEmbeddings: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'multipart/form-data': {
          audio: Upload[];
          /** @description `mix` (the default): all channels, mixed down; `each`: a result for every channel; a number: that channel, counted from 0. */
          channel?: string;
          /** @description The audio track of a container with several, counted from 0. Default: the one it marks as its default. */
          track?: string;
          /**
           * @description `cut`: long pauses are taken out by the rule of the model; `keep`: they are not, which gives embeddings of another `model`, that do not compare with the others. Default: what the model does by itself.
           * @enum {string}
           */
          pauses?: 'cut' | 'keep';
        };
      };
    };
    responses: {
      /** @description One result per recording, in their order. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @description Embeddings of different models cannot be compared. */
            model: string;
            dimension: number;
            /** @description One per upload, in their order; with `channel=each` one for each of its channels. */
            results: (
              | {
                  filename: string;
                  sha256: string;
                  audio: {
                    /** @description Of audio that is there. */
                    seconds: number;
                    sampleRate: number;
                    channels: number;
                    /** @description What was embedded: all channels mixed down, or the channel with this number. */
                    channel: 'mix' | number;
                    /** @description The channels cancel each other when they are mixed (opposite phase): the strongest was taken. */
                    channelsCancel: boolean;
                    /** @description All channels hold the same; false also where only one of them was looked at. */
                    channelsAlike: boolean;
                    /** @description Audio tracks of the container. */
                    tracks: number;
                    /** @description The one that was taken, counted from 0. */
                    track: number;
                    /**
                     * @description Container and codec.
                     * @example WAV/PCM_16
                     */
                    format: string;
                    /** @description Whether the recording is whole, as far as its container tells. */
                    complete: boolean;
                    /** @description What is missing; null where it is complete. */
                    incomplete: {
                      /**
                       * @description TRUNCATED: it ends before its container says. DAMAGED: bytes in it are broken or missing. GAPS: its time stamps pass over audio that is not there. GROWING: the file was still being written.
                       * @enum {string}
                       */
                      reason: 'TRUNCATED' | 'DAMAGED' | 'GAPS' | 'GROWING';
                      /** @description Null where the container does not tell. */
                      missingSeconds: number | null;
                      message: string;
                    } | null;
                  };
                  speech: {
                    /** @description Net speech. */
                    seconds: number;
                  };
                  /** @description What the model was given: `cut` is the speech with pauses of natural length. */
                  embedded: {
                    seconds: number;
                    /** @enum {string} */
                    pauses: 'cut' | 'keep';
                  };
                  quality: {
                    /** @description Signal-to-noise ratio, dB; null where nothing but speech is there. */
                    snrDb: number | null;
                    /** @description Share of samples at full scale. */
                    clippedShare: number;
                    /** @description Highest frequency that carries signal. */
                    bandwidthHz: number;
                    /** @description Level of the speech, dB relative to full scale. */
                    levelDb: number;
                  };
                  /** @description Position among the uploads. */
                  index: number;
                  /** @description Only with `channel=each`: the channel, counted from 0. */
                  channel?: number;
                  /** @description As the model gives it, not length-normalised. */
                  embedding: number[];
                  /** @description Milliseconds of each stage. */
                  timings: {
                    queue: number;
                    decode: number;
                    resample: number;
                    speech: number;
                    features: number;
                    model: number;
                    total: number;
                  };
                }
              | {
                  index: number;
                  /** @description Only with `channel=each`: the channel, counted from 0. */
                  channel?: number;
                  filename: string;
                  error: {
                    code: string;
                    message: string;
                  };
                }
            )[];
          };
        };
      };
    };
  };
  compareRecordings: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'multipart/form-data': {
          /** Format: binary */
          a: Upload;
          /** Format: binary */
          b: Upload;
          /** @description `mix` (the default): all channels, mixed down; a number: that channel, counted from 0. */
          channel?: string;
          /** @description The audio track of a container with several, counted from 0. Default: the one it marks as its default. */
          track?: string;
          /** @description False accepts that this request may have: the share of strangers who are taken for somebody. Default: that of the service. A higher one needs a key of the scope `admin`. */
          falseAcceptRate?: number;
          /**
           * @description `cut`: long pauses are taken out by the rule of the model; `keep`: they are not, which gives embeddings of another `model`, that do not compare with the others. Default: what the model does by itself.
           * @enum {string}
           */
          pauses?: 'cut' | 'keep';
        };
      };
    };
    responses: {
      /** @description The score, and the threshold that decided. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @description Cosine of the two embeddings, in [-1, 1]. */
            cosine: number;
            /** @description Log-likelihood ratio; null where the model is not calibrated. */
            llr: number | null;
            /** @description Of "same speaker", at even odds; null without calibration. */
            probability: number | null;
            /** @description The cosine that had to be reached; null where none is known. */
            threshold: number | null;
            /**
             * @description As in the score of a verification.
             * @enum {string|null}
             */
            thresholdFrom: 'option' | 'calibration' | 'published' | null;
            /** @description Share of impostors that the threshold accepts. */
            falseAcceptRate: number | null;
            /** @description As in the score of a verification. */
            extrapolated: boolean | null;
            /** @enum {string|null} */
            decision: 'ACCEPT' | 'REJECT' | null;
            model: string;
            a: {
              filename: string;
              sha256: string;
              audio: {
                /** @description Of audio that is there. */
                seconds: number;
                sampleRate: number;
                channels: number;
                /** @description What was embedded: all channels mixed down, or the channel with this number. */
                channel: 'mix' | number;
                /** @description The channels cancel each other when they are mixed (opposite phase): the strongest was taken. */
                channelsCancel: boolean;
                /** @description All channels hold the same; false also where only one of them was looked at. */
                channelsAlike: boolean;
                /** @description Audio tracks of the container. */
                tracks: number;
                /** @description The one that was taken, counted from 0. */
                track: number;
                /**
                 * @description Container and codec.
                 * @example WAV/PCM_16
                 */
                format: string;
                /** @description Whether the recording is whole, as far as its container tells. */
                complete: boolean;
                /** @description What is missing; null where it is complete. */
                incomplete: {
                  /**
                   * @description TRUNCATED: it ends before its container says. DAMAGED: bytes in it are broken or missing. GAPS: its time stamps pass over audio that is not there. GROWING: the file was still being written.
                   * @enum {string}
                   */
                  reason: 'TRUNCATED' | 'DAMAGED' | 'GAPS' | 'GROWING';
                  /** @description Null where the container does not tell. */
                  missingSeconds: number | null;
                  message: string;
                } | null;
              };
              speech: {
                /** @description Net speech. */
                seconds: number;
              };
              /** @description What the model was given: `cut` is the speech with pauses of natural length. */
              embedded: {
                seconds: number;
                /** @enum {string} */
                pauses: 'cut' | 'keep';
              };
              quality: {
                /** @description Signal-to-noise ratio, dB; null where nothing but speech is there. */
                snrDb: number | null;
                /** @description Share of samples at full scale. */
                clippedShare: number;
                /** @description Highest frequency that carries signal. */
                bandwidthHz: number;
                /** @description Level of the speech, dB relative to full scale. */
                levelDb: number;
              };
            };
            b: {
              filename: string;
              sha256: string;
              audio: {
                /** @description Of audio that is there. */
                seconds: number;
                sampleRate: number;
                channels: number;
                /** @description What was embedded: all channels mixed down, or the channel with this number. */
                channel: 'mix' | number;
                /** @description The channels cancel each other when they are mixed (opposite phase): the strongest was taken. */
                channelsCancel: boolean;
                /** @description All channels hold the same; false also where only one of them was looked at. */
                channelsAlike: boolean;
                /** @description Audio tracks of the container. */
                tracks: number;
                /** @description The one that was taken, counted from 0. */
                track: number;
                /**
                 * @description Container and codec.
                 * @example WAV/PCM_16
                 */
                format: string;
                /** @description Whether the recording is whole, as far as its container tells. */
                complete: boolean;
                /** @description What is missing; null where it is complete. */
                incomplete: {
                  /**
                   * @description TRUNCATED: it ends before its container says. DAMAGED: bytes in it are broken or missing. GAPS: its time stamps pass over audio that is not there. GROWING: the file was still being written.
                   * @enum {string}
                   */
                  reason: 'TRUNCATED' | 'DAMAGED' | 'GAPS' | 'GROWING';
                  /** @description Null where the container does not tell. */
                  missingSeconds: number | null;
                  message: string;
                } | null;
              };
              speech: {
                /** @description Net speech. */
                seconds: number;
              };
              /** @description What the model was given: `cut` is the speech with pauses of natural length. */
              embedded: {
                seconds: number;
                /** @enum {string} */
                pauses: 'cut' | 'keep';
              };
              quality: {
                /** @description Signal-to-noise ratio, dB; null where nothing but speech is there. */
                snrDb: number | null;
                /** @description Share of samples at full scale. */
                clippedShare: number;
                /** @description Highest frequency that carries signal. */
                bandwidthHz: number;
                /** @description Level of the speech, dB relative to full scale. */
                levelDb: number;
              };
            };
          };
        };
      };
    };
  };
  listConversations: {
    parameters: {
      query?: {
        /** @description Conversations on the page. */
        limit?: number;
        /** @description `nextCursor` of the page before. */
        cursor?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description One page, without the turns. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            conversations: {
              /**
               * Format: uuid
               * @example 3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60
               */
              id: string;
              /**
               * @description waiting: its job is not done with it.
               * @enum {string}
               */
              state: 'waiting' | 'done' | 'failed' | 'cancelled';
              /** Format: date-time */
              createdAt: string;
              /** Format: date-time */
              finishedAt: string | null;
              /** @description The job that works on it; null where none does, and once that was removed. */
              jobId: string | null;
              /** @example meeting.opus */
              filename: string | null;
              /** @description Of the recording; null until it is done. */
              seconds: number | null;
              /** @description Why it failed. */
              error: {
                code: string;
                message: string;
              } | null;
              /** @description How many are heard; null until it is done. */
              speakers: number | null;
              /** @description Of the voices that have one. */
              names: {
                label: string;
                speakerId: string;
                name: string | null;
              }[];
            }[];
            /** @description Of all pages. */
            total: number;
            /** @description `cursor` of the next page; null on the last one. */
            nextCursor: string | null;
          };
        };
      };
    };
  };
  createConversation: {
    parameters: {
      query?: never;
      header?: {
        /** @description `respond-async`: answer with 202 as soon as the recording is kept, however short it is. */
        Prefer?: string;
        /** @description Makes the call safe to repeat: for 24 hours the same request with the same key has no further effect and gets the first answer, with the header `idempotency-replayed: true`; another request with it is refused. Keys are the client's own, by its API key. An answer that is an error is not kept. */
        'Idempotency-Key'?: string;
      };
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'multipart/form-data': {
          /** Format: binary */
          audio: Upload;
          /** @description `mix` (the default): all channels, mixed down; `each`: a result for every channel; a number: that channel, counted from 0. */
          channel?: string;
          /** @description The audio track of a container with several, counted from 0. Default: the one it marks as its default. */
          track?: string;
          /** @description How many people speak, where that is known. Not with `minSpeakers` and `maxSpeakers`. */
          speakers?: number;
          /** @description At least so many. Default: 1. */
          minSpeakers?: number;
          /** @description At most so many. Default: as many as are heard, on a call 2. */
          maxSpeakers?: number;
          /**
           * @description `call`: two people at most. `meeting` and `auto` (the default): as many as are heard.
           * @enum {string}
           */
          kind?: 'call' | 'meeting' | 'auto';
          /**
           * @description Whose names voices may get. `all`: of everybody enrolled, and for a key that is bound to groups of their members. `none`: nobody's, which is the default unless `group` or `candidates` say whose. Needs the scope `read` beside `enrol`.
           * @enum {string}
           */
          names?: 'all' | 'none';
          /**
           * @description Whether voices that get no name are kept, to be named later. Default: `keep` where TIMBRE_UNKNOWN_VOICES is on; where it is off, `keep` is refused.
           * @enum {string}
           */
          unknownVoices?: 'keep' | 'discard';
          /**
           * @description Id of the group whose members are searched; with `candidates`, those of them who belong to it. Default: everybody, and for a key that is bound to groups their members.
           * @example household-7
           */
          group?: string;
          /** @description Ids of the speakers to choose among, separated by commas. Default: everybody enrolled. */
          candidates?: string;
          /** @description False accepts that this request may have: the share of strangers who are taken for somebody. Default: that of the service. A higher one needs a key of the scope `admin`. */
          falseAcceptRate?: number;
        };
      };
    };
    responses: {
      /** @description It is done. */
      201: {
        headers: {
          /** @description `/v1/conversations/<id>` */
          location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * Format: uuid
             * @example 3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60
             */
            id: string;
            /**
             * @description waiting: its job is not done with it.
             * @enum {string}
             */
            state: 'waiting' | 'done' | 'failed' | 'cancelled';
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            finishedAt: string | null;
            /** @description The job that works on it; null where none does, and once that was removed. */
            jobId: string | null;
            /** @example meeting.opus */
            filename: string | null;
            /** @description Of the recording; null until it is done. */
            seconds: number | null;
            /** @description Why it failed. */
            error: {
              code: string;
              message: string;
            } | null;
            /** @description Null unless it is being worked on. */
            progress: {
              /** @description Of the recording, worked off. */
              seconds: number;
              /** @description Null where the recording does not say. */
              totalSeconds: number | null;
            } | null;
            /** @description Empty where nobody is heard, and until it is done. */
            speakers: {
              /**
               * @description A, B, ... in the order in which they first speak.
               * @example A
               */
              label: string;
              /** @description Whose voice it is; null unless the decision is ACCEPT, or somebody said so. */
              speakerId: string | null;
              /** @description As the speaker is called now. */
              name: string | null;
              /**
               * @description EVIDENCE: the decision. HAND: somebody named the unknown voice that it is kept as. Null without a speaker.
               * @enum {string|null}
               */
              namedBy: 'EVIDENCE' | 'HAND' | null;
              /**
               * Format: uuid
               * @description The unknown voice that it is kept as; null where it is not.
               */
              unknownVoiceId: string | null;
              /**
               * @description As of an identification; AMBIGUOUS also where the reason is MIXED_VOICES or NAMED_ALREADY. Null where nobody asked, where the name was removed, and where somebody gave it.
               * @enum {string|null}
               */
              decision: 'ACCEPT' | 'REJECT' | 'AMBIGUOUS' | 'NOT_ENOUGH_SPEECH' | 'NOT_ENROLLED' | null;
              /**
               * @description Why there is no speaker. NOT_ASKED: nothing was compared with enrolled voices. NOT_ENROLLED: there is no candidate. NOT_ENOUGH_SPEECH: too little speech of its own. REJECT: it is none of the candidates. AMBIGUOUS: somebody else is too close. MIXED_VOICES: it fits two people who are certainly not one. NAMED_ALREADY: the person is the label `sameAs`. NAME_REMOVED: it had a name, and the speaker was erased, has opted out, or is not seen by this key.
               * @enum {string|null}
               */
              reason:
                | 'NOT_ASKED'
                | 'NOT_ENROLLED'
                | 'NOT_ENOUGH_SPEECH'
                | 'REJECT'
                | 'AMBIGUOUS'
                | 'MIXED_VOICES'
                | 'NAMED_ALREADY'
                | 'NAME_REMOVED'
                | null;
              /** @description With NOT_ENOUGH_SPEECH: seconds of its own speech that the voice lacks; else null. */
              missingSpeechSeconds: number | null;
              /** @description With NAMED_ALREADY: the label that has the name; else null. */
              sameAs: string | null;
              /** @description The evidence for `nearest`, in what `naming.on` says; on REJECT for keys of the scope `vectors` alone. */
              score: number | null;
              /** @description That less the evidence for anybody else; null where there is nobody else, and on REJECT for keys of the scope `vectors` alone. */
              margin: number | null;
              /** @description The nearest candidate who is still there; on REJECT for keys of the scope `vectors` alone. */
              nearest: {
                speakerId: string;
                name: string | null;
                cosine: number;
                llr: number | null;
                probability: number | null;
              } | null;
              speechSeconds: number;
              /** @description Seconds in which nobody else speaks. */
              ownSeconds: number;
              /** @description How many. */
              turns: number;
              /** @description With `channel=each`: those in which the voice is heard, the one with most of its speech first; else null. */
              channels: number[] | null;
            }[];
            /** @description By time. */
            turns: {
              /** @description Seconds from the beginning of the recording. */
              start: number;
              end: number;
              /** @description The label. */
              speaker: string;
              /** @description Seconds of the turn in which somebody else speaks too. */
              overlap: number;
            }[];
            /** @description The network that embedded the voices. */
            model: string | null;
            /** @description The network that heard who of a few speakers talks when. */
            segmentation: string | null;
            /** @description By what names were given; null where nobody asked, and until it is done. */
            naming: {
              /**
               * @description What evidence is counted in: log-likelihood ratios, or cosines.
               * @enum {string}
               */
              on: 'llr' | 'cosine';
              /** @description For the nearest candidate; it rises with the number of candidates. */
              threshold: number;
              /** @description By which the nearest candidate has to lead everybody else. */
              leastMargin: number;
              /** @description Share of strangers' voices that get a name, whatever the number of candidates; null where none is promised. */
              falseAcceptRate: number | null;
              /**
               * @description Where the threshold is from.
               * @enum {string|null}
               */
              thresholdFrom: 'option' | 'calibration' | 'published' | null;
              /** @description Whether the rate lies beyond what the trials of the calibration can show; null without a rate. */
              extrapolated: boolean | null;
              /** @description Candidates who were compared. */
              gallerySize: number;
            } | null;
            /** @description What the recording was. */
            audio: {
              /** @description Of audio that is there. */
              seconds: number;
              sampleRate: number;
              channels: number;
              channel: ('mix' | number) | 'each';
              /** @description The channels cancel each other when they are mixed (opposite phase): the strongest was taken. */
              channelsCancel: boolean;
              /** @description All channels hold the same; false also where only one of them was looked at. */
              channelsAlike: boolean;
              /** @description Audio tracks of the container. */
              tracks: number;
              /** @description The one that was taken, counted from 0. */
              track: number;
              /**
               * @description Container and codec.
               * @example WAV/PCM_16
               */
              format: string;
              /** @description Whether the recording is whole, as far as its container tells. */
              complete: boolean;
              /** @description What is missing; null where it is complete. */
              incomplete: {
                /**
                 * @description TRUNCATED: it ends before its container says. DAMAGED: bytes in it are broken or missing. GAPS: its time stamps pass over audio that is not there. GROWING: the file was still being written.
                 * @enum {string}
                 */
                reason: 'TRUNCATED' | 'DAMAGED' | 'GAPS' | 'GROWING';
                /** @description Null where the container does not tell. */
                missingSeconds: number | null;
                message: string;
              } | null;
            } | null;
          };
        };
      };
      /** @description It waits for its job. */
      202: {
        headers: {
          /** @description `/v1/conversations/<id>` */
          location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * Format: uuid
             * @example 3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60
             */
            id: string;
            /**
             * @description waiting: its job is not done with it.
             * @enum {string}
             */
            state: 'waiting' | 'done' | 'failed' | 'cancelled';
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            finishedAt: string | null;
            /** @description The job that works on it; null where none does, and once that was removed. */
            jobId: string | null;
            /** @example meeting.opus */
            filename: string | null;
            /** @description Of the recording; null until it is done. */
            seconds: number | null;
            /** @description Why it failed. */
            error: {
              code: string;
              message: string;
            } | null;
            /** @description Null unless it is being worked on. */
            progress: {
              /** @description Of the recording, worked off. */
              seconds: number;
              /** @description Null where the recording does not say. */
              totalSeconds: number | null;
            } | null;
            /** @description Empty where nobody is heard, and until it is done. */
            speakers: {
              /**
               * @description A, B, ... in the order in which they first speak.
               * @example A
               */
              label: string;
              /** @description Whose voice it is; null unless the decision is ACCEPT, or somebody said so. */
              speakerId: string | null;
              /** @description As the speaker is called now. */
              name: string | null;
              /**
               * @description EVIDENCE: the decision. HAND: somebody named the unknown voice that it is kept as. Null without a speaker.
               * @enum {string|null}
               */
              namedBy: 'EVIDENCE' | 'HAND' | null;
              /**
               * Format: uuid
               * @description The unknown voice that it is kept as; null where it is not.
               */
              unknownVoiceId: string | null;
              /**
               * @description As of an identification; AMBIGUOUS also where the reason is MIXED_VOICES or NAMED_ALREADY. Null where nobody asked, where the name was removed, and where somebody gave it.
               * @enum {string|null}
               */
              decision: 'ACCEPT' | 'REJECT' | 'AMBIGUOUS' | 'NOT_ENOUGH_SPEECH' | 'NOT_ENROLLED' | null;
              /**
               * @description Why there is no speaker. NOT_ASKED: nothing was compared with enrolled voices. NOT_ENROLLED: there is no candidate. NOT_ENOUGH_SPEECH: too little speech of its own. REJECT: it is none of the candidates. AMBIGUOUS: somebody else is too close. MIXED_VOICES: it fits two people who are certainly not one. NAMED_ALREADY: the person is the label `sameAs`. NAME_REMOVED: it had a name, and the speaker was erased, has opted out, or is not seen by this key.
               * @enum {string|null}
               */
              reason:
                | 'NOT_ASKED'
                | 'NOT_ENROLLED'
                | 'NOT_ENOUGH_SPEECH'
                | 'REJECT'
                | 'AMBIGUOUS'
                | 'MIXED_VOICES'
                | 'NAMED_ALREADY'
                | 'NAME_REMOVED'
                | null;
              /** @description With NOT_ENOUGH_SPEECH: seconds of its own speech that the voice lacks; else null. */
              missingSpeechSeconds: number | null;
              /** @description With NAMED_ALREADY: the label that has the name; else null. */
              sameAs: string | null;
              /** @description The evidence for `nearest`, in what `naming.on` says; on REJECT for keys of the scope `vectors` alone. */
              score: number | null;
              /** @description That less the evidence for anybody else; null where there is nobody else, and on REJECT for keys of the scope `vectors` alone. */
              margin: number | null;
              /** @description The nearest candidate who is still there; on REJECT for keys of the scope `vectors` alone. */
              nearest: {
                speakerId: string;
                name: string | null;
                cosine: number;
                llr: number | null;
                probability: number | null;
              } | null;
              speechSeconds: number;
              /** @description Seconds in which nobody else speaks. */
              ownSeconds: number;
              /** @description How many. */
              turns: number;
              /** @description With `channel=each`: those in which the voice is heard, the one with most of its speech first; else null. */
              channels: number[] | null;
            }[];
            /** @description By time. */
            turns: {
              /** @description Seconds from the beginning of the recording. */
              start: number;
              end: number;
              /** @description The label. */
              speaker: string;
              /** @description Seconds of the turn in which somebody else speaks too. */
              overlap: number;
            }[];
            /** @description The network that embedded the voices. */
            model: string | null;
            /** @description The network that heard who of a few speakers talks when. */
            segmentation: string | null;
            /** @description By what names were given; null where nobody asked, and until it is done. */
            naming: {
              /**
               * @description What evidence is counted in: log-likelihood ratios, or cosines.
               * @enum {string}
               */
              on: 'llr' | 'cosine';
              /** @description For the nearest candidate; it rises with the number of candidates. */
              threshold: number;
              /** @description By which the nearest candidate has to lead everybody else. */
              leastMargin: number;
              /** @description Share of strangers' voices that get a name, whatever the number of candidates; null where none is promised. */
              falseAcceptRate: number | null;
              /**
               * @description Where the threshold is from.
               * @enum {string|null}
               */
              thresholdFrom: 'option' | 'calibration' | 'published' | null;
              /** @description Whether the rate lies beyond what the trials of the calibration can show; null without a rate. */
              extrapolated: boolean | null;
              /** @description Candidates who were compared. */
              gallerySize: number;
            } | null;
            /** @description What the recording was. */
            audio: {
              /** @description Of audio that is there. */
              seconds: number;
              sampleRate: number;
              channels: number;
              channel: ('mix' | number) | 'each';
              /** @description The channels cancel each other when they are mixed (opposite phase): the strongest was taken. */
              channelsCancel: boolean;
              /** @description All channels hold the same; false also where only one of them was looked at. */
              channelsAlike: boolean;
              /** @description Audio tracks of the container. */
              tracks: number;
              /** @description The one that was taken, counted from 0. */
              track: number;
              /**
               * @description Container and codec.
               * @example WAV/PCM_16
               */
              format: string;
              /** @description Whether the recording is whole, as far as its container tells. */
              complete: boolean;
              /** @description What is missing; null where it is complete. */
              incomplete: {
                /**
                 * @description TRUNCATED: it ends before its container says. DAMAGED: bytes in it are broken or missing. GAPS: its time stamps pass over audio that is not there. GROWING: the file was still being written.
                 * @enum {string}
                 */
                reason: 'TRUNCATED' | 'DAMAGED' | 'GAPS' | 'GROWING';
                /** @description Null where the container does not tell. */
                missingSeconds: number | null;
                message: string;
              } | null;
            } | null;
          };
        };
      };
    };
  };
  getConversation: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The conversation. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * Format: uuid
             * @example 3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60
             */
            id: string;
            /**
             * @description waiting: its job is not done with it.
             * @enum {string}
             */
            state: 'waiting' | 'done' | 'failed' | 'cancelled';
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            finishedAt: string | null;
            /** @description The job that works on it; null where none does, and once that was removed. */
            jobId: string | null;
            /** @example meeting.opus */
            filename: string | null;
            /** @description Of the recording; null until it is done. */
            seconds: number | null;
            /** @description Why it failed. */
            error: {
              code: string;
              message: string;
            } | null;
            /** @description Null unless it is being worked on. */
            progress: {
              /** @description Of the recording, worked off. */
              seconds: number;
              /** @description Null where the recording does not say. */
              totalSeconds: number | null;
            } | null;
            /** @description Empty where nobody is heard, and until it is done. */
            speakers: {
              /**
               * @description A, B, ... in the order in which they first speak.
               * @example A
               */
              label: string;
              /** @description Whose voice it is; null unless the decision is ACCEPT, or somebody said so. */
              speakerId: string | null;
              /** @description As the speaker is called now. */
              name: string | null;
              /**
               * @description EVIDENCE: the decision. HAND: somebody named the unknown voice that it is kept as. Null without a speaker.
               * @enum {string|null}
               */
              namedBy: 'EVIDENCE' | 'HAND' | null;
              /**
               * Format: uuid
               * @description The unknown voice that it is kept as; null where it is not.
               */
              unknownVoiceId: string | null;
              /**
               * @description As of an identification; AMBIGUOUS also where the reason is MIXED_VOICES or NAMED_ALREADY. Null where nobody asked, where the name was removed, and where somebody gave it.
               * @enum {string|null}
               */
              decision: 'ACCEPT' | 'REJECT' | 'AMBIGUOUS' | 'NOT_ENOUGH_SPEECH' | 'NOT_ENROLLED' | null;
              /**
               * @description Why there is no speaker. NOT_ASKED: nothing was compared with enrolled voices. NOT_ENROLLED: there is no candidate. NOT_ENOUGH_SPEECH: too little speech of its own. REJECT: it is none of the candidates. AMBIGUOUS: somebody else is too close. MIXED_VOICES: it fits two people who are certainly not one. NAMED_ALREADY: the person is the label `sameAs`. NAME_REMOVED: it had a name, and the speaker was erased, has opted out, or is not seen by this key.
               * @enum {string|null}
               */
              reason:
                | 'NOT_ASKED'
                | 'NOT_ENROLLED'
                | 'NOT_ENOUGH_SPEECH'
                | 'REJECT'
                | 'AMBIGUOUS'
                | 'MIXED_VOICES'
                | 'NAMED_ALREADY'
                | 'NAME_REMOVED'
                | null;
              /** @description With NOT_ENOUGH_SPEECH: seconds of its own speech that the voice lacks; else null. */
              missingSpeechSeconds: number | null;
              /** @description With NAMED_ALREADY: the label that has the name; else null. */
              sameAs: string | null;
              /** @description The evidence for `nearest`, in what `naming.on` says; on REJECT for keys of the scope `vectors` alone. */
              score: number | null;
              /** @description That less the evidence for anybody else; null where there is nobody else, and on REJECT for keys of the scope `vectors` alone. */
              margin: number | null;
              /** @description The nearest candidate who is still there; on REJECT for keys of the scope `vectors` alone. */
              nearest: {
                speakerId: string;
                name: string | null;
                cosine: number;
                llr: number | null;
                probability: number | null;
              } | null;
              speechSeconds: number;
              /** @description Seconds in which nobody else speaks. */
              ownSeconds: number;
              /** @description How many. */
              turns: number;
              /** @description With `channel=each`: those in which the voice is heard, the one with most of its speech first; else null. */
              channels: number[] | null;
            }[];
            /** @description By time. */
            turns: {
              /** @description Seconds from the beginning of the recording. */
              start: number;
              end: number;
              /** @description The label. */
              speaker: string;
              /** @description Seconds of the turn in which somebody else speaks too. */
              overlap: number;
            }[];
            /** @description The network that embedded the voices. */
            model: string | null;
            /** @description The network that heard who of a few speakers talks when. */
            segmentation: string | null;
            /** @description By what names were given; null where nobody asked, and until it is done. */
            naming: {
              /**
               * @description What evidence is counted in: log-likelihood ratios, or cosines.
               * @enum {string}
               */
              on: 'llr' | 'cosine';
              /** @description For the nearest candidate; it rises with the number of candidates. */
              threshold: number;
              /** @description By which the nearest candidate has to lead everybody else. */
              leastMargin: number;
              /** @description Share of strangers' voices that get a name, whatever the number of candidates; null where none is promised. */
              falseAcceptRate: number | null;
              /**
               * @description Where the threshold is from.
               * @enum {string|null}
               */
              thresholdFrom: 'option' | 'calibration' | 'published' | null;
              /** @description Whether the rate lies beyond what the trials of the calibration can show; null without a rate. */
              extrapolated: boolean | null;
              /** @description Candidates who were compared. */
              gallerySize: number;
            } | null;
            /** @description What the recording was. */
            audio: {
              /** @description Of audio that is there. */
              seconds: number;
              sampleRate: number;
              channels: number;
              channel: ('mix' | number) | 'each';
              /** @description The channels cancel each other when they are mixed (opposite phase): the strongest was taken. */
              channelsCancel: boolean;
              /** @description All channels hold the same; false also where only one of them was looked at. */
              channelsAlike: boolean;
              /** @description Audio tracks of the container. */
              tracks: number;
              /** @description The one that was taken, counted from 0. */
              track: number;
              /**
               * @description Container and codec.
               * @example WAV/PCM_16
               */
              format: string;
              /** @description Whether the recording is whole, as far as its container tells. */
              complete: boolean;
              /** @description What is missing; null where it is complete. */
              incomplete: {
                /**
                 * @description TRUNCATED: it ends before its container says. DAMAGED: bytes in it are broken or missing. GAPS: its time stamps pass over audio that is not there. GROWING: the file was still being written.
                 * @enum {string}
                 */
                reason: 'TRUNCATED' | 'DAMAGED' | 'GAPS' | 'GROWING';
                /** @description Null where the container does not tell. */
                missingSeconds: number | null;
                message: string;
              } | null;
            } | null;
          };
          'application/x-rttm': string;
          'text/vtt': string;
        };
      };
    };
  };
  removeConversation: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Erased. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
    };
  };
  listUnknownVoices: {
    parameters: {
      query?: {
        /** @description Voices on the page. */
        limit?: number;
        /** @description `nextCursor` of the page before. */
        cursor?: string;
        /** @description Which voices. `open`, the default: those that nobody said anything of. */
        state?: 'open' | 'named' | 'merged' | 'dismissed' | 'blocked';
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description One page. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            voices: {
              /**
               * Format: uuid
               * @example 9f0d2c1e-7d57-4c35-8f43-0a7c4a3f7a11
               */
              id: string;
              /**
               * @description open: nobody said whose it is. named: it is a speaker's. merged: another voice has what it had. dismissed: it is no voice. blocked: it is never kept again.
               * @enum {string}
               */
              state: 'open' | 'named' | 'merged' | 'dismissed' | 'blocked';
              /** @description Counts every change. */
              version: number;
              /** @description In which nobody else speaks, over all conversations. */
              speechSeconds: number;
              /** @description Voices of conversations that it is made of. */
              conversations: number;
              /**
               * Format: date-time
               * @description When the first of them was recorded here.
               */
              firstHeardAt: string;
              /** Format: date-time */
              lastHeardAt: string;
              /**
               * Format: date-time
               * @description When it is deleted unless it is heard again, or something is said of it; null: not for its age.
               */
              expiresAt: string | null;
              /** @description The network that embedded it: voices of different ones are not compared. */
              model: string;
              /** @description Whose it is; null unless it is named, and the caller may see who. */
              speakerId: string | null;
              /** @description As the speaker is called now. */
              name: string | null;
              /**
               * Format: uuid
               * @description The voice that has what it had; null unless it is merged.
               */
              mergedInto: string | null;
            }[];
            /** @description Of all pages. */
            total: number;
            /** @description `cursor` of the next page; null on the last one. */
            nextCursor: string | null;
          };
        };
      };
    };
  };
  getUnknownVoice: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The voice. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * Format: uuid
             * @example 9f0d2c1e-7d57-4c35-8f43-0a7c4a3f7a11
             */
            id: string;
            /**
             * @description open: nobody said whose it is. named: it is a speaker's. merged: another voice has what it had. dismissed: it is no voice. blocked: it is never kept again.
             * @enum {string}
             */
            state: 'open' | 'named' | 'merged' | 'dismissed' | 'blocked';
            /** @description Counts every change. */
            version: number;
            /** @description In which nobody else speaks, over all conversations. */
            speechSeconds: number;
            /** @description Voices of conversations that it is made of. */
            conversations: number;
            /**
             * Format: date-time
             * @description When the first of them was recorded here.
             */
            firstHeardAt: string;
            /** Format: date-time */
            lastHeardAt: string;
            /**
             * Format: date-time
             * @description When it is deleted unless it is heard again, or something is said of it; null: not for its age.
             */
            expiresAt: string | null;
            /** @description The network that embedded it: voices of different ones are not compared. */
            model: string;
            /** @description Whose it is; null unless it is named, and the caller may see who. */
            speakerId: string | null;
            /** @description As the speaker is called now. */
            name: string | null;
            /**
             * Format: uuid
             * @description The voice that has what it had; null unless it is merged.
             */
            mergedInto: string | null;
            /** @description In conversations, oldest first; none for a voice that is merged or blocked. */
            heard: {
              /**
               * Format: uuid
               * @example 3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60
               */
              conversationId: string;
              /**
               * @description Of the voice in the conversation.
               * @example B
               */
              label: string;
              filename: string | null;
              /** Format: date-time */
              heardAt: string;
              /** @description Seconds in which nobody else speaks. */
              ownSeconds: number;
              /** @description Where it speaks alone in the recording, the longest five, in order. No audio is kept. */
              intervals: {
                start: number;
                end: number;
              }[];
            }[];
          };
        };
      };
    };
  };
  deleteUnknownVoice: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Deleted. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
    };
  };
  nameUnknownVoice: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /** @description Why, for people; 200 characters at most. */
          reason?: string;
          /** @description The version that you have seen; a voice that has changed since is CONFLICT. */
          version?: number;
          /**
           * @description The speaker whose voice it is.
           * @example ada
           */
          speakerId?: string;
          /** @description In the place of `speakerId`: somebody who is added. */
          create?: {
            /**
             * @description Left out, a UUID is made.
             * @example ada
             */
            id?: string;
            /** @description For people; 200 characters at most. */
            name?: string | null;
            /** @description Ids of the groups that the speaker belongs to. */
            groups?: string[];
          };
          /** @description Recorded where the speaker has none. */
          consent?: {
            /**
             * @description Who gave it: the speaker, or who may speak for them; 200 characters at most. Left out, the speaker.
             * @example Ada Lovelace
             */
            givenBy?: string;
            /**
             * @description How it was given; 200 characters at most.
             * @example signed form
             */
            method: string;
            /**
             * @description Which text was agreed to; 100 characters at most.
             * @example privacy-2026-03
             */
            textVersion: string;
            /**
             * Format: date-time
             * @description When it was given; left out, now.
             * @example 2026-03-01T09:30:00Z
             */
            givenAt?: string;
          };
        };
      };
    };
    responses: {
      /** @description The voice, named. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            voice: {
              /**
               * Format: uuid
               * @example 9f0d2c1e-7d57-4c35-8f43-0a7c4a3f7a11
               */
              id: string;
              /**
               * @description open: nobody said whose it is. named: it is a speaker's. merged: another voice has what it had. dismissed: it is no voice. blocked: it is never kept again.
               * @enum {string}
               */
              state: 'open' | 'named' | 'merged' | 'dismissed' | 'blocked';
              /** @description Counts every change. */
              version: number;
              /** @description In which nobody else speaks, over all conversations. */
              speechSeconds: number;
              /** @description Voices of conversations that it is made of. */
              conversations: number;
              /**
               * Format: date-time
               * @description When the first of them was recorded here.
               */
              firstHeardAt: string;
              /** Format: date-time */
              lastHeardAt: string;
              /**
               * Format: date-time
               * @description When it is deleted unless it is heard again, or something is said of it; null: not for its age.
               */
              expiresAt: string | null;
              /** @description The network that embedded it: voices of different ones are not compared. */
              model: string;
              /** @description Whose it is; null unless it is named, and the caller may see who. */
              speakerId: string | null;
              /** @description As the speaker is called now. */
              name: string | null;
              /**
               * Format: uuid
               * @description The voice that has what it had; null unless it is merged.
               */
              mergedInto: string | null;
              /** @description In conversations, oldest first; none for a voice that is merged or blocked. */
              heard: {
                /**
                 * Format: uuid
                 * @example 3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60
                 */
                conversationId: string;
                /**
                 * @description Of the voice in the conversation.
                 * @example B
                 */
                label: string;
                filename: string | null;
                /** Format: date-time */
                heardAt: string;
                /** @description Seconds in which nobody else speaks. */
                ownSeconds: number;
                /** @description Where it speaks alone in the recording, the longest five, in order. No audio is kept. */
                intervals: {
                  start: number;
                  end: number;
                }[];
              }[];
            };
            /** @description The other voice of a merge, a split or a reassignment. */
            other: {
              /**
               * Format: uuid
               * @example 9f0d2c1e-7d57-4c35-8f43-0a7c4a3f7a11
               */
              id: string;
              /**
               * @description open: nobody said whose it is. named: it is a speaker's. merged: another voice has what it had. dismissed: it is no voice. blocked: it is never kept again.
               * @enum {string}
               */
              state: 'open' | 'named' | 'merged' | 'dismissed' | 'blocked';
              /** @description Counts every change. */
              version: number;
              /** @description In which nobody else speaks, over all conversations. */
              speechSeconds: number;
              /** @description Voices of conversations that it is made of. */
              conversations: number;
              /**
               * Format: date-time
               * @description When the first of them was recorded here.
               */
              firstHeardAt: string;
              /** Format: date-time */
              lastHeardAt: string;
              /**
               * Format: date-time
               * @description When it is deleted unless it is heard again, or something is said of it; null: not for its age.
               */
              expiresAt: string | null;
              /** @description The network that embedded it: voices of different ones are not compared. */
              model: string;
              /** @description Whose it is; null unless it is named, and the caller may see who. */
              speakerId: string | null;
              /** @description As the speaker is called now. */
              name: string | null;
              /**
               * Format: uuid
               * @description The voice that has what it had; null unless it is merged.
               */
              mergedInto: string | null;
              /** @description In conversations, oldest first; none for a voice that is merged or blocked. */
              heard: {
                /**
                 * Format: uuid
                 * @example 3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60
                 */
                conversationId: string;
                /**
                 * @description Of the voice in the conversation.
                 * @example B
                 */
                label: string;
                filename: string | null;
                /** Format: date-time */
                heardAt: string;
                /** @description Seconds in which nobody else speaks. */
                ownSeconds: number;
                /** @description Where it speaks alone in the recording, the longest five, in order. No audio is kept. */
                intervals: {
                  start: number;
                  end: number;
                }[];
              }[];
            } | null;
            /**
             * Format: uuid
             * @description By which the step is undone.
             */
            ledgerEntry: string;
          };
        };
      };
    };
  };
  mergeUnknownVoices: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /** @description Why, for people; 200 characters at most. */
          reason?: string;
          /** @description The version that you have seen; a voice that has changed since is CONFLICT. */
          version?: number;
          /**
           * Format: uuid
           * @description The voice whose conversations are taken over.
           * @example 9f0d2c1e-7d57-4c35-8f43-0a7c4a3f7a11
           */
          from: string;
        };
      };
    };
    responses: {
      /** @description The voice with what both had. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            voice: {
              /**
               * Format: uuid
               * @example 9f0d2c1e-7d57-4c35-8f43-0a7c4a3f7a11
               */
              id: string;
              /**
               * @description open: nobody said whose it is. named: it is a speaker's. merged: another voice has what it had. dismissed: it is no voice. blocked: it is never kept again.
               * @enum {string}
               */
              state: 'open' | 'named' | 'merged' | 'dismissed' | 'blocked';
              /** @description Counts every change. */
              version: number;
              /** @description In which nobody else speaks, over all conversations. */
              speechSeconds: number;
              /** @description Voices of conversations that it is made of. */
              conversations: number;
              /**
               * Format: date-time
               * @description When the first of them was recorded here.
               */
              firstHeardAt: string;
              /** Format: date-time */
              lastHeardAt: string;
              /**
               * Format: date-time
               * @description When it is deleted unless it is heard again, or something is said of it; null: not for its age.
               */
              expiresAt: string | null;
              /** @description The network that embedded it: voices of different ones are not compared. */
              model: string;
              /** @description Whose it is; null unless it is named, and the caller may see who. */
              speakerId: string | null;
              /** @description As the speaker is called now. */
              name: string | null;
              /**
               * Format: uuid
               * @description The voice that has what it had; null unless it is merged.
               */
              mergedInto: string | null;
              /** @description In conversations, oldest first; none for a voice that is merged or blocked. */
              heard: {
                /**
                 * Format: uuid
                 * @example 3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60
                 */
                conversationId: string;
                /**
                 * @description Of the voice in the conversation.
                 * @example B
                 */
                label: string;
                filename: string | null;
                /** Format: date-time */
                heardAt: string;
                /** @description Seconds in which nobody else speaks. */
                ownSeconds: number;
                /** @description Where it speaks alone in the recording, the longest five, in order. No audio is kept. */
                intervals: {
                  start: number;
                  end: number;
                }[];
              }[];
            };
            /** @description The other voice of a merge, a split or a reassignment. */
            other: {
              /**
               * Format: uuid
               * @example 9f0d2c1e-7d57-4c35-8f43-0a7c4a3f7a11
               */
              id: string;
              /**
               * @description open: nobody said whose it is. named: it is a speaker's. merged: another voice has what it had. dismissed: it is no voice. blocked: it is never kept again.
               * @enum {string}
               */
              state: 'open' | 'named' | 'merged' | 'dismissed' | 'blocked';
              /** @description Counts every change. */
              version: number;
              /** @description In which nobody else speaks, over all conversations. */
              speechSeconds: number;
              /** @description Voices of conversations that it is made of. */
              conversations: number;
              /**
               * Format: date-time
               * @description When the first of them was recorded here.
               */
              firstHeardAt: string;
              /** Format: date-time */
              lastHeardAt: string;
              /**
               * Format: date-time
               * @description When it is deleted unless it is heard again, or something is said of it; null: not for its age.
               */
              expiresAt: string | null;
              /** @description The network that embedded it: voices of different ones are not compared. */
              model: string;
              /** @description Whose it is; null unless it is named, and the caller may see who. */
              speakerId: string | null;
              /** @description As the speaker is called now. */
              name: string | null;
              /**
               * Format: uuid
               * @description The voice that has what it had; null unless it is merged.
               */
              mergedInto: string | null;
              /** @description In conversations, oldest first; none for a voice that is merged or blocked. */
              heard: {
                /**
                 * Format: uuid
                 * @example 3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60
                 */
                conversationId: string;
                /**
                 * @description Of the voice in the conversation.
                 * @example B
                 */
                label: string;
                filename: string | null;
                /** Format: date-time */
                heardAt: string;
                /** @description Seconds in which nobody else speaks. */
                ownSeconds: number;
                /** @description Where it speaks alone in the recording, the longest five, in order. No audio is kept. */
                intervals: {
                  start: number;
                  end: number;
                }[];
              }[];
            } | null;
            /**
             * Format: uuid
             * @description By which the step is undone.
             */
            ledgerEntry: string;
          };
        };
      };
    };
  };
  splitUnknownVoice: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /** @description Why, for people; 200 characters at most. */
          reason?: string;
          /** @description The version that you have seen; a voice that has changed since is CONFLICT. */
          version?: number;
          /** @description Those in which it is somebody else; one at least has to be left. */
          conversations: string[];
        };
      };
    };
    responses: {
      /** @description The voice, and the new one as `other`. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            voice: {
              /**
               * Format: uuid
               * @example 9f0d2c1e-7d57-4c35-8f43-0a7c4a3f7a11
               */
              id: string;
              /**
               * @description open: nobody said whose it is. named: it is a speaker's. merged: another voice has what it had. dismissed: it is no voice. blocked: it is never kept again.
               * @enum {string}
               */
              state: 'open' | 'named' | 'merged' | 'dismissed' | 'blocked';
              /** @description Counts every change. */
              version: number;
              /** @description In which nobody else speaks, over all conversations. */
              speechSeconds: number;
              /** @description Voices of conversations that it is made of. */
              conversations: number;
              /**
               * Format: date-time
               * @description When the first of them was recorded here.
               */
              firstHeardAt: string;
              /** Format: date-time */
              lastHeardAt: string;
              /**
               * Format: date-time
               * @description When it is deleted unless it is heard again, or something is said of it; null: not for its age.
               */
              expiresAt: string | null;
              /** @description The network that embedded it: voices of different ones are not compared. */
              model: string;
              /** @description Whose it is; null unless it is named, and the caller may see who. */
              speakerId: string | null;
              /** @description As the speaker is called now. */
              name: string | null;
              /**
               * Format: uuid
               * @description The voice that has what it had; null unless it is merged.
               */
              mergedInto: string | null;
              /** @description In conversations, oldest first; none for a voice that is merged or blocked. */
              heard: {
                /**
                 * Format: uuid
                 * @example 3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60
                 */
                conversationId: string;
                /**
                 * @description Of the voice in the conversation.
                 * @example B
                 */
                label: string;
                filename: string | null;
                /** Format: date-time */
                heardAt: string;
                /** @description Seconds in which nobody else speaks. */
                ownSeconds: number;
                /** @description Where it speaks alone in the recording, the longest five, in order. No audio is kept. */
                intervals: {
                  start: number;
                  end: number;
                }[];
              }[];
            };
            /** @description The other voice of a merge, a split or a reassignment. */
            other: {
              /**
               * Format: uuid
               * @example 9f0d2c1e-7d57-4c35-8f43-0a7c4a3f7a11
               */
              id: string;
              /**
               * @description open: nobody said whose it is. named: it is a speaker's. merged: another voice has what it had. dismissed: it is no voice. blocked: it is never kept again.
               * @enum {string}
               */
              state: 'open' | 'named' | 'merged' | 'dismissed' | 'blocked';
              /** @description Counts every change. */
              version: number;
              /** @description In which nobody else speaks, over all conversations. */
              speechSeconds: number;
              /** @description Voices of conversations that it is made of. */
              conversations: number;
              /**
               * Format: date-time
               * @description When the first of them was recorded here.
               */
              firstHeardAt: string;
              /** Format: date-time */
              lastHeardAt: string;
              /**
               * Format: date-time
               * @description When it is deleted unless it is heard again, or something is said of it; null: not for its age.
               */
              expiresAt: string | null;
              /** @description The network that embedded it: voices of different ones are not compared. */
              model: string;
              /** @description Whose it is; null unless it is named, and the caller may see who. */
              speakerId: string | null;
              /** @description As the speaker is called now. */
              name: string | null;
              /**
               * Format: uuid
               * @description The voice that has what it had; null unless it is merged.
               */
              mergedInto: string | null;
              /** @description In conversations, oldest first; none for a voice that is merged or blocked. */
              heard: {
                /**
                 * Format: uuid
                 * @example 3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60
                 */
                conversationId: string;
                /**
                 * @description Of the voice in the conversation.
                 * @example B
                 */
                label: string;
                filename: string | null;
                /** Format: date-time */
                heardAt: string;
                /** @description Seconds in which nobody else speaks. */
                ownSeconds: number;
                /** @description Where it speaks alone in the recording, the longest five, in order. No audio is kept. */
                intervals: {
                  start: number;
                  end: number;
                }[];
              }[];
            } | null;
            /**
             * Format: uuid
             * @description By which the step is undone.
             */
            ledgerEntry: string;
          };
        };
      };
    };
  };
  reassignUnknownVoice: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /** @description Why, for people; 200 characters at most. */
          reason?: string;
          /** @description The version that you have seen; a voice that has changed since is CONFLICT. */
          version?: number;
          /**
           * Format: uuid
           * @description In which it is somebody else.
           * @example 3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60
           */
          conversationId: string;
          /**
           * @description One voice of that conversation, where several were merged.
           * @example B
           */
          label?: string;
          /**
           * Format: uuid
           * @description The unknown voice that it is instead.
           * @example 9f0d2c1e-7d57-4c35-8f43-0a7c4a3f7a11
           */
          to: string;
        };
      };
    };
    responses: {
      /** @description Both voices. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            voice: {
              /**
               * Format: uuid
               * @example 9f0d2c1e-7d57-4c35-8f43-0a7c4a3f7a11
               */
              id: string;
              /**
               * @description open: nobody said whose it is. named: it is a speaker's. merged: another voice has what it had. dismissed: it is no voice. blocked: it is never kept again.
               * @enum {string}
               */
              state: 'open' | 'named' | 'merged' | 'dismissed' | 'blocked';
              /** @description Counts every change. */
              version: number;
              /** @description In which nobody else speaks, over all conversations. */
              speechSeconds: number;
              /** @description Voices of conversations that it is made of. */
              conversations: number;
              /**
               * Format: date-time
               * @description When the first of them was recorded here.
               */
              firstHeardAt: string;
              /** Format: date-time */
              lastHeardAt: string;
              /**
               * Format: date-time
               * @description When it is deleted unless it is heard again, or something is said of it; null: not for its age.
               */
              expiresAt: string | null;
              /** @description The network that embedded it: voices of different ones are not compared. */
              model: string;
              /** @description Whose it is; null unless it is named, and the caller may see who. */
              speakerId: string | null;
              /** @description As the speaker is called now. */
              name: string | null;
              /**
               * Format: uuid
               * @description The voice that has what it had; null unless it is merged.
               */
              mergedInto: string | null;
              /** @description In conversations, oldest first; none for a voice that is merged or blocked. */
              heard: {
                /**
                 * Format: uuid
                 * @example 3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60
                 */
                conversationId: string;
                /**
                 * @description Of the voice in the conversation.
                 * @example B
                 */
                label: string;
                filename: string | null;
                /** Format: date-time */
                heardAt: string;
                /** @description Seconds in which nobody else speaks. */
                ownSeconds: number;
                /** @description Where it speaks alone in the recording, the longest five, in order. No audio is kept. */
                intervals: {
                  start: number;
                  end: number;
                }[];
              }[];
            };
            /** @description The other voice of a merge, a split or a reassignment. */
            other: {
              /**
               * Format: uuid
               * @example 9f0d2c1e-7d57-4c35-8f43-0a7c4a3f7a11
               */
              id: string;
              /**
               * @description open: nobody said whose it is. named: it is a speaker's. merged: another voice has what it had. dismissed: it is no voice. blocked: it is never kept again.
               * @enum {string}
               */
              state: 'open' | 'named' | 'merged' | 'dismissed' | 'blocked';
              /** @description Counts every change. */
              version: number;
              /** @description In which nobody else speaks, over all conversations. */
              speechSeconds: number;
              /** @description Voices of conversations that it is made of. */
              conversations: number;
              /**
               * Format: date-time
               * @description When the first of them was recorded here.
               */
              firstHeardAt: string;
              /** Format: date-time */
              lastHeardAt: string;
              /**
               * Format: date-time
               * @description When it is deleted unless it is heard again, or something is said of it; null: not for its age.
               */
              expiresAt: string | null;
              /** @description The network that embedded it: voices of different ones are not compared. */
              model: string;
              /** @description Whose it is; null unless it is named, and the caller may see who. */
              speakerId: string | null;
              /** @description As the speaker is called now. */
              name: string | null;
              /**
               * Format: uuid
               * @description The voice that has what it had; null unless it is merged.
               */
              mergedInto: string | null;
              /** @description In conversations, oldest first; none for a voice that is merged or blocked. */
              heard: {
                /**
                 * Format: uuid
                 * @example 3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60
                 */
                conversationId: string;
                /**
                 * @description Of the voice in the conversation.
                 * @example B
                 */
                label: string;
                filename: string | null;
                /** Format: date-time */
                heardAt: string;
                /** @description Seconds in which nobody else speaks. */
                ownSeconds: number;
                /** @description Where it speaks alone in the recording, the longest five, in order. No audio is kept. */
                intervals: {
                  start: number;
                  end: number;
                }[];
              }[];
            } | null;
            /**
             * Format: uuid
             * @description By which the step is undone.
             */
            ledgerEntry: string;
          };
        };
      };
    };
  };
  dismissUnknownVoice: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /** @description Why, for people; 200 characters at most. */
          reason?: string;
          /** @description The version that you have seen; a voice that has changed since is CONFLICT. */
          version?: number;
        };
      };
    };
    responses: {
      /** @description The voice, dismissed. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            voice: {
              /**
               * Format: uuid
               * @example 9f0d2c1e-7d57-4c35-8f43-0a7c4a3f7a11
               */
              id: string;
              /**
               * @description open: nobody said whose it is. named: it is a speaker's. merged: another voice has what it had. dismissed: it is no voice. blocked: it is never kept again.
               * @enum {string}
               */
              state: 'open' | 'named' | 'merged' | 'dismissed' | 'blocked';
              /** @description Counts every change. */
              version: number;
              /** @description In which nobody else speaks, over all conversations. */
              speechSeconds: number;
              /** @description Voices of conversations that it is made of. */
              conversations: number;
              /**
               * Format: date-time
               * @description When the first of them was recorded here.
               */
              firstHeardAt: string;
              /** Format: date-time */
              lastHeardAt: string;
              /**
               * Format: date-time
               * @description When it is deleted unless it is heard again, or something is said of it; null: not for its age.
               */
              expiresAt: string | null;
              /** @description The network that embedded it: voices of different ones are not compared. */
              model: string;
              /** @description Whose it is; null unless it is named, and the caller may see who. */
              speakerId: string | null;
              /** @description As the speaker is called now. */
              name: string | null;
              /**
               * Format: uuid
               * @description The voice that has what it had; null unless it is merged.
               */
              mergedInto: string | null;
              /** @description In conversations, oldest first; none for a voice that is merged or blocked. */
              heard: {
                /**
                 * Format: uuid
                 * @example 3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60
                 */
                conversationId: string;
                /**
                 * @description Of the voice in the conversation.
                 * @example B
                 */
                label: string;
                filename: string | null;
                /** Format: date-time */
                heardAt: string;
                /** @description Seconds in which nobody else speaks. */
                ownSeconds: number;
                /** @description Where it speaks alone in the recording, the longest five, in order. No audio is kept. */
                intervals: {
                  start: number;
                  end: number;
                }[];
              }[];
            };
            /** @description The other voice of a merge, a split or a reassignment. */
            other: {
              /**
               * Format: uuid
               * @example 9f0d2c1e-7d57-4c35-8f43-0a7c4a3f7a11
               */
              id: string;
              /**
               * @description open: nobody said whose it is. named: it is a speaker's. merged: another voice has what it had. dismissed: it is no voice. blocked: it is never kept again.
               * @enum {string}
               */
              state: 'open' | 'named' | 'merged' | 'dismissed' | 'blocked';
              /** @description Counts every change. */
              version: number;
              /** @description In which nobody else speaks, over all conversations. */
              speechSeconds: number;
              /** @description Voices of conversations that it is made of. */
              conversations: number;
              /**
               * Format: date-time
               * @description When the first of them was recorded here.
               */
              firstHeardAt: string;
              /** Format: date-time */
              lastHeardAt: string;
              /**
               * Format: date-time
               * @description When it is deleted unless it is heard again, or something is said of it; null: not for its age.
               */
              expiresAt: string | null;
              /** @description The network that embedded it: voices of different ones are not compared. */
              model: string;
              /** @description Whose it is; null unless it is named, and the caller may see who. */
              speakerId: string | null;
              /** @description As the speaker is called now. */
              name: string | null;
              /**
               * Format: uuid
               * @description The voice that has what it had; null unless it is merged.
               */
              mergedInto: string | null;
              /** @description In conversations, oldest first; none for a voice that is merged or blocked. */
              heard: {
                /**
                 * Format: uuid
                 * @example 3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60
                 */
                conversationId: string;
                /**
                 * @description Of the voice in the conversation.
                 * @example B
                 */
                label: string;
                filename: string | null;
                /** Format: date-time */
                heardAt: string;
                /** @description Seconds in which nobody else speaks. */
                ownSeconds: number;
                /** @description Where it speaks alone in the recording, the longest five, in order. No audio is kept. */
                intervals: {
                  start: number;
                  end: number;
                }[];
              }[];
            } | null;
            /**
             * Format: uuid
             * @description By which the step is undone.
             */
            ledgerEntry: string;
          };
        };
      };
    };
  };
  blockUnknownVoice: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /** @description Why, for people; 200 characters at most. */
          reason?: string;
          /** @description The version that you have seen; a voice that has changed since is CONFLICT. */
          version?: number;
        };
      };
    };
    responses: {
      /** @description The voice, blocked. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            voice: {
              /**
               * Format: uuid
               * @example 9f0d2c1e-7d57-4c35-8f43-0a7c4a3f7a11
               */
              id: string;
              /**
               * @description open: nobody said whose it is. named: it is a speaker's. merged: another voice has what it had. dismissed: it is no voice. blocked: it is never kept again.
               * @enum {string}
               */
              state: 'open' | 'named' | 'merged' | 'dismissed' | 'blocked';
              /** @description Counts every change. */
              version: number;
              /** @description In which nobody else speaks, over all conversations. */
              speechSeconds: number;
              /** @description Voices of conversations that it is made of. */
              conversations: number;
              /**
               * Format: date-time
               * @description When the first of them was recorded here.
               */
              firstHeardAt: string;
              /** Format: date-time */
              lastHeardAt: string;
              /**
               * Format: date-time
               * @description When it is deleted unless it is heard again, or something is said of it; null: not for its age.
               */
              expiresAt: string | null;
              /** @description The network that embedded it: voices of different ones are not compared. */
              model: string;
              /** @description Whose it is; null unless it is named, and the caller may see who. */
              speakerId: string | null;
              /** @description As the speaker is called now. */
              name: string | null;
              /**
               * Format: uuid
               * @description The voice that has what it had; null unless it is merged.
               */
              mergedInto: string | null;
              /** @description In conversations, oldest first; none for a voice that is merged or blocked. */
              heard: {
                /**
                 * Format: uuid
                 * @example 3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60
                 */
                conversationId: string;
                /**
                 * @description Of the voice in the conversation.
                 * @example B
                 */
                label: string;
                filename: string | null;
                /** Format: date-time */
                heardAt: string;
                /** @description Seconds in which nobody else speaks. */
                ownSeconds: number;
                /** @description Where it speaks alone in the recording, the longest five, in order. No audio is kept. */
                intervals: {
                  start: number;
                  end: number;
                }[];
              }[];
            };
            /** @description The other voice of a merge, a split or a reassignment. */
            other: {
              /**
               * Format: uuid
               * @example 9f0d2c1e-7d57-4c35-8f43-0a7c4a3f7a11
               */
              id: string;
              /**
               * @description open: nobody said whose it is. named: it is a speaker's. merged: another voice has what it had. dismissed: it is no voice. blocked: it is never kept again.
               * @enum {string}
               */
              state: 'open' | 'named' | 'merged' | 'dismissed' | 'blocked';
              /** @description Counts every change. */
              version: number;
              /** @description In which nobody else speaks, over all conversations. */
              speechSeconds: number;
              /** @description Voices of conversations that it is made of. */
              conversations: number;
              /**
               * Format: date-time
               * @description When the first of them was recorded here.
               */
              firstHeardAt: string;
              /** Format: date-time */
              lastHeardAt: string;
              /**
               * Format: date-time
               * @description When it is deleted unless it is heard again, or something is said of it; null: not for its age.
               */
              expiresAt: string | null;
              /** @description The network that embedded it: voices of different ones are not compared. */
              model: string;
              /** @description Whose it is; null unless it is named, and the caller may see who. */
              speakerId: string | null;
              /** @description As the speaker is called now. */
              name: string | null;
              /**
               * Format: uuid
               * @description The voice that has what it had; null unless it is merged.
               */
              mergedInto: string | null;
              /** @description In conversations, oldest first; none for a voice that is merged or blocked. */
              heard: {
                /**
                 * Format: uuid
                 * @example 3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60
                 */
                conversationId: string;
                /**
                 * @description Of the voice in the conversation.
                 * @example B
                 */
                label: string;
                filename: string | null;
                /** Format: date-time */
                heardAt: string;
                /** @description Seconds in which nobody else speaks. */
                ownSeconds: number;
                /** @description Where it speaks alone in the recording, the longest five, in order. No audio is kept. */
                intervals: {
                  start: number;
                  end: number;
                }[];
              }[];
            } | null;
            /**
             * Format: uuid
             * @description By which the step is undone.
             */
            ledgerEntry: string;
          };
        };
      };
    };
  };
  listVoiceLedger: {
    parameters: {
      query?: {
        /** @description Entries on the page. */
        limit?: number;
        /** @description `nextCursor` of the page before. */
        cursor?: string;
      };
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description One page. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            entries: {
              /** Format: uuid */
              id: string;
              /** Format: date-time */
              at: string;
              /** @description Who did it, as in the audit trail; null for a key that is bound to groups where another did. */
              by: string | null;
              /**
               * @description kept, joined: it was heard in a conversation, and joined with what was there by evidence. named, merged, split, reassigned, dismissed, blocked: somebody said so.
               * @enum {string}
               */
              action: 'kept' | 'joined' | 'named' | 'merged' | 'split' | 'reassigned' | 'dismissed' | 'blocked';
              /** @description As the caller gave it. */
              reason: string | null;
              /**
               * Format: uuid
               * @description The voice that the step was about.
               */
              voiceId: string;
              /**
               * Format: uuid
               * @description The other voice of it, perhaps not there any more.
               */
              otherId: string | null;
              /**
               * Format: uuid
               * @description In which it was heard; perhaps not there any more.
               */
              conversationId: string | null;
              label: string | null;
              /** @description With the voice as it was then; null unless it was joined. */
              evidence: {
                cosine: number;
                llr: number | null;
                /** @description That had to be reached, of `llr` where there is one. */
                threshold: number;
                falseAcceptRate: number | null;
              } | null;
              /** @description It is of a kind that can be undone, and was not. */
              undoable: boolean;
              /** Format: date-time */
              undoneAt: string | null;
            }[];
            /** @description `cursor` of the next page; null on the last one. */
            nextCursor: string | null;
          };
        };
      };
    };
  };
  undoVoiceStep: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
        entryId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description What is there then. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @description Null where nothing is left of it, as of one that was blocked. */
            voice: {
              /**
               * Format: uuid
               * @example 9f0d2c1e-7d57-4c35-8f43-0a7c4a3f7a11
               */
              id: string;
              /**
               * @description open: nobody said whose it is. named: it is a speaker's. merged: another voice has what it had. dismissed: it is no voice. blocked: it is never kept again.
               * @enum {string}
               */
              state: 'open' | 'named' | 'merged' | 'dismissed' | 'blocked';
              /** @description Counts every change. */
              version: number;
              /** @description In which nobody else speaks, over all conversations. */
              speechSeconds: number;
              /** @description Voices of conversations that it is made of. */
              conversations: number;
              /**
               * Format: date-time
               * @description When the first of them was recorded here.
               */
              firstHeardAt: string;
              /** Format: date-time */
              lastHeardAt: string;
              /**
               * Format: date-time
               * @description When it is deleted unless it is heard again, or something is said of it; null: not for its age.
               */
              expiresAt: string | null;
              /** @description The network that embedded it: voices of different ones are not compared. */
              model: string;
              /** @description Whose it is; null unless it is named, and the caller may see who. */
              speakerId: string | null;
              /** @description As the speaker is called now. */
              name: string | null;
              /**
               * Format: uuid
               * @description The voice that has what it had; null unless it is merged.
               */
              mergedInto: string | null;
              /** @description In conversations, oldest first; none for a voice that is merged or blocked. */
              heard: {
                /**
                 * Format: uuid
                 * @example 3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60
                 */
                conversationId: string;
                /**
                 * @description Of the voice in the conversation.
                 * @example B
                 */
                label: string;
                filename: string | null;
                /** Format: date-time */
                heardAt: string;
                /** @description Seconds in which nobody else speaks. */
                ownSeconds: number;
                /** @description Where it speaks alone in the recording, the longest five, in order. No audio is kept. */
                intervals: {
                  start: number;
                  end: number;
                }[];
              }[];
            } | null;
            /** @description Another voice that has something again. */
            other: {
              /**
               * Format: uuid
               * @example 9f0d2c1e-7d57-4c35-8f43-0a7c4a3f7a11
               */
              id: string;
              /**
               * @description open: nobody said whose it is. named: it is a speaker's. merged: another voice has what it had. dismissed: it is no voice. blocked: it is never kept again.
               * @enum {string}
               */
              state: 'open' | 'named' | 'merged' | 'dismissed' | 'blocked';
              /** @description Counts every change. */
              version: number;
              /** @description In which nobody else speaks, over all conversations. */
              speechSeconds: number;
              /** @description Voices of conversations that it is made of. */
              conversations: number;
              /**
               * Format: date-time
               * @description When the first of them was recorded here.
               */
              firstHeardAt: string;
              /** Format: date-time */
              lastHeardAt: string;
              /**
               * Format: date-time
               * @description When it is deleted unless it is heard again, or something is said of it; null: not for its age.
               */
              expiresAt: string | null;
              /** @description The network that embedded it: voices of different ones are not compared. */
              model: string;
              /** @description Whose it is; null unless it is named, and the caller may see who. */
              speakerId: string | null;
              /** @description As the speaker is called now. */
              name: string | null;
              /**
               * Format: uuid
               * @description The voice that has what it had; null unless it is merged.
               */
              mergedInto: string | null;
              /** @description In conversations, oldest first; none for a voice that is merged or blocked. */
              heard: {
                /**
                 * Format: uuid
                 * @example 3d5f7f0a-6a9a-4b0e-9c57-2f4f4f9c1f60
                 */
                conversationId: string;
                /**
                 * @description Of the voice in the conversation.
                 * @example B
                 */
                label: string;
                filename: string | null;
                /** Format: date-time */
                heardAt: string;
                /** @description Seconds in which nobody else speaks. */
                ownSeconds: number;
                /** @description Where it speaks alone in the recording, the longest five, in order. No audio is kept. */
                intervals: {
                  start: number;
                  end: number;
                }[];
              }[];
            } | null;
          };
        };
      };
    };
  };
  listSamples: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description None where set-up has made none. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            samples: {
              /** @example anna-1.wav */
              name: string;
              /**
               * @description Who speaks; a name that was made up.
               * @example anna
               */
              voice: string;
            }[];
            /**
             * @description A program speaks: they are nobody, and nobody consents for them.
             * @enum {boolean}
             */
            synthetic: true;
          };
        };
      };
    };
  };
  getSample: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        name: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The recording. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'audio/wav': Upload;
        };
      };
    };
  };
  listAudit: {
    parameters: {
      query?: {
        /** @description Only what was done to this speaker, by id. */
        speaker?: string;
        /** @description The same by the trail's own name for a speaker, which outlives the speaker. */
        subject?: string;
        /** @description At or after. */
        from?: string;
        /** @description Before. */
        to?: string;
        /** @description Entries on the page. */
        limit?: number;
        /** @description `nextCursor` of the page before. */
        cursor?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description One page. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            entries: {
              /**
               * @description Counts up.
               * @example 4711
               */
              id: number;
              /** Format: date-time */
              at: string;
              /**
               * @description Id of the API key; `local` where none was asked for; `retention` for what grew old.
               * @example local
               */
              by: string;
              /**
               * @example enrollment.added
               * @enum {string}
               */
              action:
                | 'speaker.created'
                | 'speaker.renamed'
                | 'speaker.described'
                | 'speaker.erased'
                | 'speaker.erasure-announced'
                | 'speaker.exported'
                | 'vectors.exported'
                | 'group.created'
                | 'group.renamed'
                | 'group.deleted'
                | 'group.joined'
                | 'group.left'
                | 'consent.given'
                | 'consent.withdrawn'
                | 'consent.lifted'
                | 'enrollment.added'
                | 'enrollment.deleted'
                | 'enrollment.refused'
                | 'enrollments.compared'
                | 'recording.kept'
                | 'recording.exported'
                | 'recordings.removed'
                | 'keeping.set'
                | 'profile.re-embedded'
                | 're-embedding.started'
                | 're-embedding.cancelled'
                | 're-embedding.finished'
                | 'profile.learned'
                | 'profile.undone'
                | 'profile.frozen'
                | 'profile.unfrozen'
                | 'learning.set'
                | 'watch.set'
                | 'watch.ended'
                | 'watch.matched'
                | 'speaker.merged'
                | 'speaker.split'
                | 'voice.verified'
                | 'voice.identified'
                | 'voice.named'
                | 'key.created'
                | 'key.revoked'
                | 'session.opened'
                | 'session.ended'
                | 'job.created'
                | 'job.cancelled'
                | 'job.removed'
                | 'webhook.created'
                | 'webhook.removed'
                | 'calibration.saved'
                | 'calibration.used'
                | 'calibration.ended'
                | 'calibration.removed'
                | 'conversation.created'
                | 'conversation.erased'
                | 'unknown-voice.kept'
                | 'unknown-voice.joined'
                | 'unknown-voice.named'
                | 'unknown-voice.merged'
                | 'unknown-voice.split'
                | 'unknown-voice.reassigned'
                | 'unknown-voice.dismissed'
                | 'unknown-voice.blocked'
                | 'unknown-voice.deleted'
                | 'unknown-voice.undone'
                | 'data-key.rotated'
                | 'data.restore-acknowledged'
                | 'data.node-joined'
                | 'data.moved'
                | 'audit.trimmed'
                | 'retention.confirmed';
              /**
               * @description Whom it was done to, by a UUID that nothing can be learnt from; null where it was nobody.
               * @example 3f6b0a52-6d0f-4a27-9c57-1f0d5c2b7a10
               */
              subject: string | null;
              /**
               * @description The id of that speaker; null once the speaker is erased.
               * @example ada
               */
              speakerId: string | null;
              /** @description What else it was done to: an enrolment, a key, a job; the version of a calibration. */
              object: string | null;
              /**
               * @description `OK`, a decision, or the code of an error.
               * @example OK
               */
              outcome: string;
              requestId: string | null;
            }[];
            /** @description `cursor` of the next page; null on the last one. */
            nextCursor: string | null;
          };
        };
      };
    };
  };
  exportAudit: {
    parameters: {
      query?: {
        /** @description Only what was done to this speaker, by id. */
        speaker?: string;
        /** @description The same by the trail's own name for a speaker, which outlives the speaker. */
        subject?: string;
        /** @description At or after. */
        from?: string;
        /** @description Before. */
        to?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The entries as JSON lines. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/x-ndjson': string;
        };
      };
    };
  };
  getConsent: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description What is recorded. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @example ada */
            speakerId: string;
            /**
             * @description NOT_RECORDED: nobody said anything. GIVEN: the speaker may be enrolled and matched. WITHDRAWN: the speaker has opted out and is neither, until a new consent is recorded.
             * @example GIVEN
             * @enum {string}
             */
            status: 'NOT_RECORDED' | 'GIVEN' | 'WITHDRAWN';
            /** @description Whether this service enrols nobody without a consent. */
            required: boolean;
            /** @description The last one that was given, also after it was withdrawn. */
            consent: {
              /**
               * @description Who gave it: the speaker, or who may speak for them; 200 characters at most.
               * @example Ada Lovelace
               */
              givenBy: string;
              /**
               * @description How it was given; 200 characters at most.
               * @example signed form
               */
              method: string;
              /**
               * @description Which text was agreed to; 100 characters at most.
               * @example privacy-2026-03
               */
              textVersion: string;
              /** Format: date-time */
              givenAt: string;
              /** Format: date-time */
              recordedAt: string;
            } | null;
            /** Format: date-time */
            withdrawnAt: string | null;
          };
        };
      };
    };
  };
  giveConsent: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /**
           * @description Who gave it: the speaker, or who may speak for them; 200 characters at most. Left out, the speaker.
           * @example Ada Lovelace
           */
          givenBy?: string;
          /**
           * @description How it was given; 200 characters at most.
           * @example signed form
           */
          method: string;
          /**
           * @description Which text was agreed to; 100 characters at most.
           * @example privacy-2026-03
           */
          textVersion: string;
          /**
           * Format: date-time
           * @description When it was given; left out, now.
           * @example 2026-03-01T09:30:00Z
           */
          givenAt?: string;
        };
      };
    };
    responses: {
      /** @description What is recorded now. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @example ada */
            speakerId: string;
            /**
             * @description NOT_RECORDED: nobody said anything. GIVEN: the speaker may be enrolled and matched. WITHDRAWN: the speaker has opted out and is neither, until a new consent is recorded.
             * @example GIVEN
             * @enum {string}
             */
            status: 'NOT_RECORDED' | 'GIVEN' | 'WITHDRAWN';
            /** @description Whether this service enrols nobody without a consent. */
            required: boolean;
            /** @description The last one that was given, also after it was withdrawn. */
            consent: {
              /**
               * @description Who gave it: the speaker, or who may speak for them; 200 characters at most.
               * @example Ada Lovelace
               */
              givenBy: string;
              /**
               * @description How it was given; 200 characters at most.
               * @example signed form
               */
              method: string;
              /**
               * @description Which text was agreed to; 100 characters at most.
               * @example privacy-2026-03
               */
              textVersion: string;
              /** Format: date-time */
              givenAt: string;
              /** Format: date-time */
              recordedAt: string;
            } | null;
            /** Format: date-time */
            withdrawnAt: string | null;
          };
        };
      };
    };
  };
  withdrawConsent: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description What is recorded now. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @example ada */
            speakerId: string;
            /**
             * @description NOT_RECORDED: nobody said anything. GIVEN: the speaker may be enrolled and matched. WITHDRAWN: the speaker has opted out and is neither, until a new consent is recorded.
             * @example GIVEN
             * @enum {string}
             */
            status: 'NOT_RECORDED' | 'GIVEN' | 'WITHDRAWN';
            /** @description Whether this service enrols nobody without a consent. */
            required: boolean;
            /** @description The last one that was given, also after it was withdrawn. */
            consent: {
              /**
               * @description Who gave it: the speaker, or who may speak for them; 200 characters at most.
               * @example Ada Lovelace
               */
              givenBy: string;
              /**
               * @description How it was given; 200 characters at most.
               * @example signed form
               */
              method: string;
              /**
               * @description Which text was agreed to; 100 characters at most.
               * @example privacy-2026-03
               */
              textVersion: string;
              /** Format: date-time */
              givenAt: string;
              /** Format: date-time */
              recordedAt: string;
            } | null;
            /** Format: date-time */
            withdrawnAt: string | null;
          };
        };
      };
    };
  };
  listConsents: {
    parameters: {
      query?: {
        /** @description Consents on the page. */
        limit?: number;
        /** @description `nextCursor` of the page before. */
        cursor?: string;
      };
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description One page. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @description Every consent that was recorded, oldest first. */
            consents: {
              /**
               * @description Who gave it: the speaker, or who may speak for them; 200 characters at most.
               * @example Ada Lovelace
               */
              givenBy: string;
              /**
               * @description How it was given; 200 characters at most.
               * @example signed form
               */
              method: string;
              /**
               * @description Which text was agreed to; 100 characters at most.
               * @example privacy-2026-03
               */
              textVersion: string;
              /** Format: date-time */
              givenAt: string;
              /** Format: date-time */
              recordedAt: string;
              /**
               * Format: date-time
               * @description Null where it was not withdrawn.
               */
              withdrawnAt: string | null;
            }[];
            /** @description `cursor` of the next page; null on the last one. */
            nextCursor: string | null;
          };
        };
      };
    };
  };
  getAccess: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Of the key, or of whoever needs none. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @description Of the key that the call brings; null where it needs none. */
            keyId: string | null;
            scopes: ('read' | 'enrol' | 'admin' | 'vectors')[];
            /** @description Ids of the groups that the key is bound to; null: to none. */
            groups: string[] | null;
          };
        };
      };
    };
  };
  createSignInLink: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The link. */
      201: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * @description What to open in a browser, below the address of the service; it works once.
             * @example /#sign-in=0hX...
             */
            path: string;
            /** Format: date-time */
            expiresAt: string;
          };
        };
      };
    };
  };
  signIn: {
    parameters: {
      query?: never;
      header: {
        'x-sign-in-code': string;
      };
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The key of the session. */
      201: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @description An API key that ends at `expiresAt`, and with the service where that is one process on SQLite. */
            key: string;
            scopes: ('read' | 'enrol' | 'admin' | 'vectors')[];
            /** Format: date-time */
            expiresAt: string;
          };
        };
      };
    };
  };
  signOut: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Ended, or no session. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
    };
  };
  listKeys: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description All of them, without their texts. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @description Oldest first, revoked and expired ones too. */
            keys: {
              /**
               * @description Part of its text, and what people name it by.
               * @example 0123456789ab
               */
              id: string;
              /** @example backend */
              name: string;
              scopes: ('read' | 'enrol' | 'admin' | 'vectors')[];
              /** @description That it is bound to; null where it is bound to none. */
              groups: string[] | null;
              /**
               * @description `altered`: changed in the database, by somebody else than this service; it is refused.
               * @enum {string}
               */
              status: 'active' | 'expired' | 'revoked' | 'altered';
              /** Format: date-time */
              createdAt: string;
              /** Format: date-time */
              expiresAt: string | null;
              /** Format: date-time */
              revokedAt: string | null;
              /**
               * @description A day in UTC.
               * @example 2026-01-31
               */
              lastUsedOn: string | null;
            }[];
          };
        };
      };
    };
  };
  createKey: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /**
           * @description Who or what uses it, for people.
           * @example backend
           */
          name: string;
          /**
           * @description `admin` includes `read` and `enrol`. None that the key of this call lacks.
           * @example [
           *       "read",
           *       "enrol"
           *     ]
           */
          scopes: ('read' | 'enrol' | 'admin' | 'vectors')[];
          /**
           * @description Ids of the groups that it is bound to. Default: bound to none.
           * @example [
           *       "acme"
           *     ]
           */
          groups?: string[];
          /**
           * @description It ends after so many. Default: never.
           * @example 90
           */
          days?: number;
        };
      };
    };
    responses: {
      /** @description The key with its text. */
      201: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * @description Part of its text, and what people name it by.
             * @example 0123456789ab
             */
            id: string;
            /** @example backend */
            name: string;
            scopes: ('read' | 'enrol' | 'admin' | 'vectors')[];
            /** @description That it is bound to; null where it is bound to none. */
            groups: string[] | null;
            /**
             * @description `altered`: changed in the database, by somebody else than this service; it is refused.
             * @enum {string}
             */
            status: 'active' | 'expired' | 'revoked' | 'altered';
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            expiresAt: string | null;
            /** Format: date-time */
            revokedAt: string | null;
            /**
             * @description A day in UTC.
             * @example 2026-01-31
             */
            lastUsedOn: string | null;
            /**
             * @description Its text, shown this once; a hash of it is stored.
             * @example tmb_0123456789ab_3q2-7wTz9qk0S8V0c1Xb4a6fN5pJr2uYhGdLmE7iKoA
             */
            key: string;
          };
        };
      };
    };
  };
  revokeKey: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Revoked. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
    };
  };
  listSpeakers: {
    parameters: {
      query?: {
        /** @description Speakers on the page. */
        limit?: number;
        /** @description `nextCursor` of the page before. */
        cursor?: string;
        /** @description Only members of this group, by its id. */
        group?: string;
        /** @description Only those whose id begins so; the list is in the order of the ids. */
        id?: string;
        /** @description Only those whose name begins so, in any case; the list is in the order of the names. */
        name?: string;
        /** @description Only those with this entry of metadata, as `key=value`. */
        metadata?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description One page. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            speakers: {
              /** @example 3f6b0a52-6d0f-4a27-9c57-1f0d5c2b7a10 */
              id: string;
              /** @example Ada Lovelace */
              name: string | null;
              /** Format: date-time */
              createdAt: string;
              /** Format: date-time */
              updatedAt: string;
              /** @description Counts every change of the speaker, the enrolments and the profile. */
              version: number;
              /**
               * @description Ids of the groups that the speaker belongs to; for a key that is bound to groups, of those.
               * @example [
               *       "household-7"
               *     ]
               */
              groups: string[];
              /**
               * @example {
               *       "team": "engines"
               *     }
               */
              metadata: {
                [key: string]: string;
              };
              /**
               * @description WITHDRAWN: the speaker has opted out and is neither enrolled nor matched.
               * @example GIVEN
               * @enum {string}
               */
              consentStatus: 'NOT_RECORDED' | 'GIVEN' | 'WITHDRAWN';
              /**
               * Format: date-time
               * @description When it was announced that the speaker will be erased for age; null where it was not.
               */
              erasureAnnouncedAt: string | null;
              /**
               * @description For the loaded model. Enrolled: enough speech for verification and identification.
               * @enum {string}
               */
              enrollmentStatus: 'Enrolling' | 'Enrolled';
              /**
               * @description Recordings that count: accepted, and no outliers.
               * @example 3
               */
              enrollmentsCount: number;
              /**
               * @description Net speech of those recordings.
               * @example 24.5
               */
              enrollmentsSpeechLengthInSec: number;
              /**
               * @description Net speech still needed.
               * @example 0
               */
              remainingEnrollmentsSpeechLengthInSec: number;
              /**
               * @description Recordings whose audio is kept, so that another model can embed them.
               * @example 0
               */
              recordingsKept: number;
              /**
               * @description How far the profile can be trusted, in [0, 1]; see docs/profiles.md.
               * @example 0.81
               */
              confidence: number;
            }[];
            /** @description Of all pages; null where the list is searched by more than a group, or the key is bound to several groups. */
            total: number | null;
            /** @description `cursor` of the next page; null on the last one. */
            nextCursor: string | null;
          };
        };
      };
    };
  };
  createSpeaker: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /**
           * @description Your own id, 128 characters at most: letters and digits of any script, and . _ ~ @ : + - after the first. Left out, a UUID is made.
           * @example ada
           */
          id?: string;
          /**
           * @description For people; 200 characters at most, one line in any script.
           * @example Ada Lovelace
           */
          name?: string | null;
          /**
           * @description Ids of the groups that the speaker belongs to, and of no others. They have to be there: POST /v1/groups.
           * @example [
           *       "household-7"
           *     ]
           */
          groups?: string[];
          /**
           * @description Your own notes, text by key, in the place of those before: 32 at most, keys of 64 characters and values of 500, 8 KiB in all. GET /v1/speakers finds by them.
           * @example {
           *       "team": "engines"
           *     }
           */
          metadata?: {
            [key: string]: string;
          };
          /** @description The speaker's consent, recorded in the same step. */
          consent?: {
            /**
             * @description Who gave it: the speaker, or who may speak for them; 200 characters at most. Left out, the speaker.
             * @example Ada Lovelace
             */
            givenBy?: string;
            /**
             * @description How it was given; 200 characters at most.
             * @example signed form
             */
            method: string;
            /**
             * @description Which text was agreed to; 100 characters at most.
             * @example privacy-2026-03
             */
            textVersion: string;
            /**
             * Format: date-time
             * @description When it was given; left out, now.
             * @example 2026-03-01T09:30:00Z
             */
            givenAt?: string;
          };
        };
      };
    };
    responses: {
      /** @description The new speaker, without a voice yet. */
      201: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @example 3f6b0a52-6d0f-4a27-9c57-1f0d5c2b7a10 */
            id: string;
            /** @example Ada Lovelace */
            name: string | null;
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            updatedAt: string;
            /** @description Counts every change of the speaker, the enrolments and the profile. */
            version: number;
            /**
             * @description Ids of the groups that the speaker belongs to; for a key that is bound to groups, of those.
             * @example [
             *       "household-7"
             *     ]
             */
            groups: string[];
            /**
             * @example {
             *       "team": "engines"
             *     }
             */
            metadata: {
              [key: string]: string;
            };
            /**
             * @description WITHDRAWN: the speaker has opted out and is neither enrolled nor matched.
             * @example GIVEN
             * @enum {string}
             */
            consentStatus: 'NOT_RECORDED' | 'GIVEN' | 'WITHDRAWN';
            /**
             * Format: date-time
             * @description When it was announced that the speaker will be erased for age; null where it was not.
             */
            erasureAnnouncedAt: string | null;
            /**
             * @description For the loaded model. Enrolled: enough speech for verification and identification.
             * @enum {string}
             */
            enrollmentStatus: 'Enrolling' | 'Enrolled';
            /**
             * @description Recordings that count: accepted, and no outliers.
             * @example 3
             */
            enrollmentsCount: number;
            /**
             * @description Net speech of those recordings.
             * @example 24.5
             */
            enrollmentsSpeechLengthInSec: number;
            /**
             * @description Net speech still needed.
             * @example 0
             */
            remainingEnrollmentsSpeechLengthInSec: number;
            /**
             * @description Recordings whose audio is kept, so that another model can embed them.
             * @example 0
             */
            recordingsKept: number;
            /**
             * @description How far the profile can be trusted, in [0, 1]; see docs/profiles.md.
             * @example 0.81
             */
            confidence: number;
          };
        };
      };
    };
  };
  getSpeaker: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The speaker. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @example 3f6b0a52-6d0f-4a27-9c57-1f0d5c2b7a10 */
            id: string;
            /** @example Ada Lovelace */
            name: string | null;
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            updatedAt: string;
            /** @description Counts every change of the speaker, the enrolments and the profile. */
            version: number;
            /**
             * @description Ids of the groups that the speaker belongs to; for a key that is bound to groups, of those.
             * @example [
             *       "household-7"
             *     ]
             */
            groups: string[];
            /**
             * @example {
             *       "team": "engines"
             *     }
             */
            metadata: {
              [key: string]: string;
            };
            /**
             * @description WITHDRAWN: the speaker has opted out and is neither enrolled nor matched.
             * @example GIVEN
             * @enum {string}
             */
            consentStatus: 'NOT_RECORDED' | 'GIVEN' | 'WITHDRAWN';
            /**
             * Format: date-time
             * @description When it was announced that the speaker will be erased for age; null where it was not.
             */
            erasureAnnouncedAt: string | null;
            /**
             * @description For the loaded model. Enrolled: enough speech for verification and identification.
             * @enum {string}
             */
            enrollmentStatus: 'Enrolling' | 'Enrolled';
            /**
             * @description Recordings that count: accepted, and no outliers.
             * @example 3
             */
            enrollmentsCount: number;
            /**
             * @description Net speech of those recordings.
             * @example 24.5
             */
            enrollmentsSpeechLengthInSec: number;
            /**
             * @description Net speech still needed.
             * @example 0
             */
            remainingEnrollmentsSpeechLengthInSec: number;
            /**
             * @description Recordings whose audio is kept, so that another model can embed them.
             * @example 0
             */
            recordingsKept: number;
            /**
             * @description How far the profile can be trusted, in [0, 1]; see docs/profiles.md.
             * @example 0.81
             */
            confidence: number;
          };
        };
      };
    };
  };
  putSpeaker: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /**
           * @description For people; 200 characters at most, one line in any script.
           * @example Ada Lovelace
           */
          name?: string | null;
          /**
           * @description Ids of the groups that the speaker belongs to, and of no others. They have to be there: POST /v1/groups.
           * @example [
           *       "household-7"
           *     ]
           */
          groups?: string[];
          /**
           * @description Your own notes, text by key, in the place of those before: 32 at most, keys of 64 characters and values of 500, 8 KiB in all. GET /v1/speakers finds by them.
           * @example {
           *       "team": "engines"
           *     }
           */
          metadata?: {
            [key: string]: string;
          };
          /** @description The speaker's consent, recorded where there is none; who has withdrawn it stays out. */
          consent?: {
            /**
             * @description Who gave it: the speaker, or who may speak for them; 200 characters at most. Left out, the speaker.
             * @example Ada Lovelace
             */
            givenBy?: string;
            /**
             * @description How it was given; 200 characters at most.
             * @example signed form
             */
            method: string;
            /**
             * @description Which text was agreed to; 100 characters at most.
             * @example privacy-2026-03
             */
            textVersion: string;
            /**
             * Format: date-time
             * @description When it was given; left out, now.
             * @example 2026-03-01T09:30:00Z
             */
            givenAt?: string;
          };
        };
      };
    };
    responses: {
      /** @description The speaker was there, and is as said now. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @example 3f6b0a52-6d0f-4a27-9c57-1f0d5c2b7a10 */
            id: string;
            /** @example Ada Lovelace */
            name: string | null;
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            updatedAt: string;
            /** @description Counts every change of the speaker, the enrolments and the profile. */
            version: number;
            /**
             * @description Ids of the groups that the speaker belongs to; for a key that is bound to groups, of those.
             * @example [
             *       "household-7"
             *     ]
             */
            groups: string[];
            /**
             * @example {
             *       "team": "engines"
             *     }
             */
            metadata: {
              [key: string]: string;
            };
            /**
             * @description WITHDRAWN: the speaker has opted out and is neither enrolled nor matched.
             * @example GIVEN
             * @enum {string}
             */
            consentStatus: 'NOT_RECORDED' | 'GIVEN' | 'WITHDRAWN';
            /**
             * Format: date-time
             * @description When it was announced that the speaker will be erased for age; null where it was not.
             */
            erasureAnnouncedAt: string | null;
            /**
             * @description For the loaded model. Enrolled: enough speech for verification and identification.
             * @enum {string}
             */
            enrollmentStatus: 'Enrolling' | 'Enrolled';
            /**
             * @description Recordings that count: accepted, and no outliers.
             * @example 3
             */
            enrollmentsCount: number;
            /**
             * @description Net speech of those recordings.
             * @example 24.5
             */
            enrollmentsSpeechLengthInSec: number;
            /**
             * @description Net speech still needed.
             * @example 0
             */
            remainingEnrollmentsSpeechLengthInSec: number;
            /**
             * @description Recordings whose audio is kept, so that another model can embed them.
             * @example 0
             */
            recordingsKept: number;
            /**
             * @description How far the profile can be trusted, in [0, 1]; see docs/profiles.md.
             * @example 0.81
             */
            confidence: number;
          };
        };
      };
      /** @description The new speaker, without a voice yet. */
      201: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @example 3f6b0a52-6d0f-4a27-9c57-1f0d5c2b7a10 */
            id: string;
            /** @example Ada Lovelace */
            name: string | null;
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            updatedAt: string;
            /** @description Counts every change of the speaker, the enrolments and the profile. */
            version: number;
            /**
             * @description Ids of the groups that the speaker belongs to; for a key that is bound to groups, of those.
             * @example [
             *       "household-7"
             *     ]
             */
            groups: string[];
            /**
             * @example {
             *       "team": "engines"
             *     }
             */
            metadata: {
              [key: string]: string;
            };
            /**
             * @description WITHDRAWN: the speaker has opted out and is neither enrolled nor matched.
             * @example GIVEN
             * @enum {string}
             */
            consentStatus: 'NOT_RECORDED' | 'GIVEN' | 'WITHDRAWN';
            /**
             * Format: date-time
             * @description When it was announced that the speaker will be erased for age; null where it was not.
             */
            erasureAnnouncedAt: string | null;
            /**
             * @description For the loaded model. Enrolled: enough speech for verification and identification.
             * @enum {string}
             */
            enrollmentStatus: 'Enrolling' | 'Enrolled';
            /**
             * @description Recordings that count: accepted, and no outliers.
             * @example 3
             */
            enrollmentsCount: number;
            /**
             * @description Net speech of those recordings.
             * @example 24.5
             */
            enrollmentsSpeechLengthInSec: number;
            /**
             * @description Net speech still needed.
             * @example 0
             */
            remainingEnrollmentsSpeechLengthInSec: number;
            /**
             * @description Recordings whose audio is kept, so that another model can embed them.
             * @example 0
             */
            recordingsKept: number;
            /**
             * @description How far the profile can be trusted, in [0, 1]; see docs/profiles.md.
             * @example 0.81
             */
            confidence: number;
          };
        };
      };
    };
  };
  eraseSpeaker: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Erased. The receipt can be checked later at `/v1/receipts/<receipt>`. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * Format: uuid
             * @description Id of the receipt: keep it, and nothing else of the speaker.
             */
            receipt: string;
            /**
             * Format: uuid
             * @description The audit trail's name for who was erased.
             */
            subject: string;
            /** Format: date-time */
            erasedAt: string;
            /**
             * @description Who erased, as in the audit trail.
             * @example local
             */
            by: string;
            erased: {
              /** @description Recordings, of every model. */
              enrollments: number;
              /** @description Profiles. */
              profiles: number;
              /** @description Consents. */
              consents: number;
              /** @description Groups that the speaker belonged to. */
              groups: number;
              /** @description Entries of metadata. */
              metadata: number;
              /** @description Recordings of jobs that told of the speaker. */
              jobRecordings: number;
              /** @description Entries of the ledger of the profile. */
              ledgerEntries: number;
              /** @description Verifications that waited to be confirmed. */
              waitingVerifications: number;
              /** @description Recordings whose audio was kept. */
              recordings: number;
              /** @description Conversations that named the speaker, or had the speaker among those who might be named. */
              conversations: number;
              /** @description Unknown voices of conversations that somebody had named as the speaker. */
              unknownVoices: number;
            };
            /**
             * @description PENDING: no call finds anything of the speaker, and copies of rows may still lie in unused parts of the database file, which is wiped soon. WIPED: it was. DATABASE: the files are those of PostgreSQL, which overwrites them in its own time, and whose log and backups are its operator’s.
             * @enum {string}
             */
            traces: 'PENDING' | 'WIPED' | 'DATABASE';
            /** Format: date-time */
            wipedAt: string | null;
          };
        };
      };
    };
  };
  updateSpeaker: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /**
           * @description For people; 200 characters at most, one line in any script.
           * @example Ada Lovelace
           */
          name?: string | null;
          /**
           * @description Ids of the groups that the speaker belongs to, and of no others. They have to be there: POST /v1/groups.
           * @example [
           *       "household-7"
           *     ]
           */
          groups?: string[];
          /**
           * @description Your own notes, text by key, in the place of those before: 32 at most, keys of 64 characters and values of 500, 8 KiB in all. GET /v1/speakers finds by them.
           * @example {
           *       "team": "engines"
           *     }
           */
          metadata?: {
            [key: string]: string;
          };
          /**
           * @description The version that you read; another one stored meanwhile is a CONFLICT.
           * @example 1
           */
          version?: number;
        };
      };
    };
    responses: {
      /** @description The speaker as changed. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @example 3f6b0a52-6d0f-4a27-9c57-1f0d5c2b7a10 */
            id: string;
            /** @example Ada Lovelace */
            name: string | null;
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            updatedAt: string;
            /** @description Counts every change of the speaker, the enrolments and the profile. */
            version: number;
            /**
             * @description Ids of the groups that the speaker belongs to; for a key that is bound to groups, of those.
             * @example [
             *       "household-7"
             *     ]
             */
            groups: string[];
            /**
             * @example {
             *       "team": "engines"
             *     }
             */
            metadata: {
              [key: string]: string;
            };
            /**
             * @description WITHDRAWN: the speaker has opted out and is neither enrolled nor matched.
             * @example GIVEN
             * @enum {string}
             */
            consentStatus: 'NOT_RECORDED' | 'GIVEN' | 'WITHDRAWN';
            /**
             * Format: date-time
             * @description When it was announced that the speaker will be erased for age; null where it was not.
             */
            erasureAnnouncedAt: string | null;
            /**
             * @description For the loaded model. Enrolled: enough speech for verification and identification.
             * @enum {string}
             */
            enrollmentStatus: 'Enrolling' | 'Enrolled';
            /**
             * @description Recordings that count: accepted, and no outliers.
             * @example 3
             */
            enrollmentsCount: number;
            /**
             * @description Net speech of those recordings.
             * @example 24.5
             */
            enrollmentsSpeechLengthInSec: number;
            /**
             * @description Net speech still needed.
             * @example 0
             */
            remainingEnrollmentsSpeechLengthInSec: number;
            /**
             * @description Recordings whose audio is kept, so that another model can embed them.
             * @example 0
             */
            recordingsKept: number;
            /**
             * @description How far the profile can be trusted, in [0, 1]; see docs/profiles.md.
             * @example 0.81
             */
            confidence: number;
          };
        };
      };
    };
  };
  checkReceipt: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The receipt, as things are now. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * Format: uuid
             * @description Id of the receipt: keep it, and nothing else of the speaker.
             */
            receipt: string;
            /**
             * Format: uuid
             * @description The audit trail's name for who was erased.
             */
            subject: string;
            /** Format: date-time */
            erasedAt: string;
            /**
             * @description Who erased, as in the audit trail.
             * @example local
             */
            by: string;
            erased: {
              /** @description Recordings, of every model. */
              enrollments: number;
              /** @description Profiles. */
              profiles: number;
              /** @description Consents. */
              consents: number;
              /** @description Groups that the speaker belonged to. */
              groups: number;
              /** @description Entries of metadata. */
              metadata: number;
              /** @description Recordings of jobs that told of the speaker. */
              jobRecordings: number;
              /** @description Entries of the ledger of the profile. */
              ledgerEntries: number;
              /** @description Verifications that waited to be confirmed. */
              waitingVerifications: number;
              /** @description Recordings whose audio was kept. */
              recordings: number;
              /** @description Conversations that named the speaker, or had the speaker among those who might be named. */
              conversations: number;
              /** @description Unknown voices of conversations that somebody had named as the speaker. */
              unknownVoices: number;
            };
            /**
             * @description PENDING: no call finds anything of the speaker, and copies of rows may still lie in unused parts of the database file, which is wiped soon. WIPED: it was. DATABASE: the files are those of PostgreSQL, which overwrites them in its own time, and whose log and backups are its operator’s.
             * @enum {string}
             */
            traces: 'PENDING' | 'WIPED' | 'DATABASE';
            /** Format: date-time */
            wipedAt: string | null;
            /** @description Speakers of this subject that are there in spite of the receipt, as after restoring an old backup. */
            remains: number;
          };
        };
      };
    };
  };
  listGroups: {
    parameters: {
      query?: {
        /** @description Groups on the page. */
        limit?: number;
        /** @description `nextCursor` of the page before. */
        cursor?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description One page. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            groups: {
              /** @example household-7 */
              id: string;
              /** @example Garden Street 7 */
              name: string | null;
              /** Format: date-time */
              createdAt: string;
              /** Format: date-time */
              updatedAt: string;
              /** @description Counts every change of the group itself. */
              version: number;
              /**
               * @description Speakers who belong to it.
               * @example 5
               */
              members: number;
            }[];
            /** @description Of all pages. */
            total: number;
            /** @description `cursor` of the next page; null on the last one. */
            nextCursor: string | null;
          };
        };
      };
    };
  };
  createGroup: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /**
           * @description Your own id, 64 characters at most: letters and digits of any script, and . _ ~ @ + - after the first. Left out, a UUID is made. It never changes.
           * @example household-7
           */
          id?: string;
          /**
           * @description For people; 200 characters at most, one line in any script.
           * @example Garden Street 7
           */
          name?: string | null;
        };
      };
    };
    responses: {
      /** @description The new group, without members yet. */
      201: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @example household-7 */
            id: string;
            /** @example Garden Street 7 */
            name: string | null;
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            updatedAt: string;
            /** @description Counts every change of the group itself. */
            version: number;
            /**
             * @description Speakers who belong to it.
             * @example 5
             */
            members: number;
          };
        };
      };
    };
  };
  getGroup: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The group. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @example household-7 */
            id: string;
            /** @example Garden Street 7 */
            name: string | null;
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            updatedAt: string;
            /** @description Counts every change of the group itself. */
            version: number;
            /**
             * @description Speakers who belong to it.
             * @example 5
             */
            members: number;
          };
        };
      };
    };
  };
  deleteGroup: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Deleted. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
    };
  };
  updateGroup: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /**
           * @description For people; 200 characters at most, one line in any script.
           * @example Garden Street 7
           */
          name?: string | null;
          /**
           * @description The version that you read; another one stored meanwhile is a CONFLICT.
           * @example 1
           */
          version?: number;
        };
      };
    };
    responses: {
      /** @description The group as changed. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @example household-7 */
            id: string;
            /** @example Garden Street 7 */
            name: string | null;
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            updatedAt: string;
            /** @description Counts every change of the group itself. */
            version: number;
            /**
             * @description Speakers who belong to it.
             * @example 5
             */
            members: number;
          };
        };
      };
    };
  };
  joinGroup: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
        speakerId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The speaker belongs to the group. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
    };
  };
  leaveGroup: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
        speakerId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The speaker does not belong to the group. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
    };
  };
  getWatch: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description What is set. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @example banned-callers */
            group: string;
            /**
             * @description Null: the group is no watch list.
             * @example 0.001
             */
            falseAcceptRate: number | null;
          };
        };
      };
    };
  };
  setWatch: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /**
           * @description Share of voices of people who are not on the list that may be reported, whatever the number of members.
           * @example 0.001
           */
          falseAcceptRate: number;
        };
      };
    };
    responses: {
      /** @description What is set now. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @example banned-callers */
            group: string;
            /**
             * @description Null: the group is no watch list.
             * @example 0.001
             */
            falseAcceptRate: number | null;
          };
        };
      };
    };
  };
  endWatch: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The group is no watch list. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
    };
  };
  listEnrollments: {
    parameters: {
      query?: {
        /** @description Recordings on the page. */
        limit?: number;
        /** @description `nextCursor` of the page before. */
        cursor?: string;
      };
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Of every model that the speaker was enrolled with. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            speaker: {
              /** @example 3f6b0a52-6d0f-4a27-9c57-1f0d5c2b7a10 */
              id: string;
              /** @example Ada Lovelace */
              name: string | null;
              /** Format: date-time */
              createdAt: string;
              /** Format: date-time */
              updatedAt: string;
              /** @description Counts every change of the speaker, the enrolments and the profile. */
              version: number;
              /**
               * @description Ids of the groups that the speaker belongs to; for a key that is bound to groups, of those.
               * @example [
               *       "household-7"
               *     ]
               */
              groups: string[];
              /**
               * @example {
               *       "team": "engines"
               *     }
               */
              metadata: {
                [key: string]: string;
              };
              /**
               * @description WITHDRAWN: the speaker has opted out and is neither enrolled nor matched.
               * @example GIVEN
               * @enum {string}
               */
              consentStatus: 'NOT_RECORDED' | 'GIVEN' | 'WITHDRAWN';
              /**
               * Format: date-time
               * @description When it was announced that the speaker will be erased for age; null where it was not.
               */
              erasureAnnouncedAt: string | null;
              /**
               * @description For the loaded model. Enrolled: enough speech for verification and identification.
               * @enum {string}
               */
              enrollmentStatus: 'Enrolling' | 'Enrolled';
              /**
               * @description Recordings that count: accepted, and no outliers.
               * @example 3
               */
              enrollmentsCount: number;
              /**
               * @description Net speech of those recordings.
               * @example 24.5
               */
              enrollmentsSpeechLengthInSec: number;
              /**
               * @description Net speech still needed.
               * @example 0
               */
              remainingEnrollmentsSpeechLengthInSec: number;
              /**
               * @description Recordings whose audio is kept, so that another model can embed them.
               * @example 0
               */
              recordingsKept: number;
              /**
               * @description How far the profile can be trusted, in [0, 1]; see docs/profiles.md.
               * @example 0.81
               */
              confidence: number;
            };
            enrollments: {
              /** Format: uuid */
              id: string;
              /** Format: date-time */
              createdAt: string;
              /** @example ada-1.wav */
              filename: string | null;
              /** @description Of the file: the same file twice is one recording. */
              sha256: string;
              /** @description That made the embedding. */
              model: string;
              audio: {
                seconds: number;
                sampleRate: number;
                channels: number;
              };
              speech: {
                /** @description Net speech. */
                seconds: number;
              };
              quality: {
                /**
                 * @description GOOD: clean wide-band speech; FAIR: accepted all the same; POOR: not accepted.
                 * @enum {string}
                 */
                label: 'GOOD' | 'FAIR' | 'POOR';
                snrDb: number | null;
                clippedShare: number;
                bandwidthHz: number;
                levelDb: number;
              };
              /** @description Whether the recording is good enough to count. */
              accepted: boolean;
              /** @description Why it is not accepted. */
              reasons: ('TOO_LITTLE_SPEECH' | 'TOO_NOISY' | 'CLIPPED' | 'NARROW_BAND')[];
              /**
               * @description With TOO_LITTLE_SPEECH: seconds of speech that it lacks to count; else null.
               * @example 0.6
               */
              missingSpeechSeconds: number | null;
              /** @description Cosine with the mean of the speaker's other recordings; null where there is none to compare with. */
              agreement: number | null;
              /** @description Set aside: it does not sound like the others. */
              outlier: boolean;
              /**
               * @description enrolled: by a call of this list. imported: a vector that was made elsewhere; what was not measured then is 0. named: the voice of a conversation that somebody named; its speech alone was measured. learned: verified with strong evidence. confirmed: verified, and confirmed by a call.
               * @enum {string}
               */
              origin: 'enrolled' | 'imported' | 'named' | 'learned' | 'confirmed';
              /** @description Whether the audio is kept, so that another model can embed it. */
              audioKept: boolean;
              /**
               * @description Why it does not count though it is kept: replaced by another recording that was learned, or merged into another speaker who has it too. Null where it is not set aside.
               * @enum {string|null}
               */
              setAside: 'replaced' | 'merged' | null;
            }[];
            /** @description `cursor` of the next page; null on the last one. */
            nextCursor: string | null;
          };
        };
      };
    };
  };
  enrol: {
    parameters: {
      query?: never;
      header?: {
        /** @description Makes the call safe to repeat: for 24 hours the same request with the same key has no further effect and gets the first answer, with the header `idempotency-replayed: true`; another request with it is refused. Keys are the client's own, by its API key. An answer that is an error is not kept. */
        'Idempotency-Key'?: string;
      };
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'multipart/form-data': {
          audio: Upload[];
          /** @description `mix` (the default): all channels, mixed down; a number: that channel, counted from 0. */
          channel?: string;
          /** @description The audio track of a container with several, counted from 0. Default: the one it marks as its default. */
          track?: string;
          /**
           * @description The parts of the recording, which is one, that are the speaker's: seconds from its beginning, `12.5-18.2,40-45.5`. Everything else of it is left out. Default: all of it.
           * @example 12.5-18.2,40-45.5
           */
          intervals?: string;
          /**
           * @description Whether to look for somebody else who has this voice, `possibleDuplicate`. Default: TIMBRE_DUPLICATES.
           * @enum {string}
           */
          duplicates?: 'true' | 'false';
          /**
           * @description Whether a recording in which more than one voice speaks is an error, `SEVERAL_VOICES`; each is heard as a conversation first, by the networks of conversations. Default: false; with `intervals` it always is.
           * @enum {string}
           */
          oneVoice?: 'true' | 'false';
        };
      };
    };
    responses: {
      /** @description The speaker now, and what came of each recording. */
      201: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            speaker: {
              /** @example 3f6b0a52-6d0f-4a27-9c57-1f0d5c2b7a10 */
              id: string;
              /** @example Ada Lovelace */
              name: string | null;
              /** Format: date-time */
              createdAt: string;
              /** Format: date-time */
              updatedAt: string;
              /** @description Counts every change of the speaker, the enrolments and the profile. */
              version: number;
              /**
               * @description Ids of the groups that the speaker belongs to; for a key that is bound to groups, of those.
               * @example [
               *       "household-7"
               *     ]
               */
              groups: string[];
              /**
               * @example {
               *       "team": "engines"
               *     }
               */
              metadata: {
                [key: string]: string;
              };
              /**
               * @description WITHDRAWN: the speaker has opted out and is neither enrolled nor matched.
               * @example GIVEN
               * @enum {string}
               */
              consentStatus: 'NOT_RECORDED' | 'GIVEN' | 'WITHDRAWN';
              /**
               * Format: date-time
               * @description When it was announced that the speaker will be erased for age; null where it was not.
               */
              erasureAnnouncedAt: string | null;
              /**
               * @description For the loaded model. Enrolled: enough speech for verification and identification.
               * @enum {string}
               */
              enrollmentStatus: 'Enrolling' | 'Enrolled';
              /**
               * @description Recordings that count: accepted, and no outliers.
               * @example 3
               */
              enrollmentsCount: number;
              /**
               * @description Net speech of those recordings.
               * @example 24.5
               */
              enrollmentsSpeechLengthInSec: number;
              /**
               * @description Net speech still needed.
               * @example 0
               */
              remainingEnrollmentsSpeechLengthInSec: number;
              /**
               * @description Recordings whose audio is kept, so that another model can embed them.
               * @example 0
               */
              recordingsKept: number;
              /**
               * @description How far the profile can be trusted, in [0, 1]; see docs/profiles.md.
               * @example 0.81
               */
              confidence: number;
            };
            /** @description One per upload, in their order. */
            results: (
              | {
                  /** @description Position among the uploads. */
                  index: number;
                  filename: string;
                  /** @description The speaker had this very file already; nothing was added. */
                  duplicate: boolean;
                  enrollment: {
                    /** Format: uuid */
                    id: string;
                    /** Format: date-time */
                    createdAt: string;
                    /** @example ada-1.wav */
                    filename: string | null;
                    /** @description Of the file: the same file twice is one recording. */
                    sha256: string;
                    /** @description That made the embedding. */
                    model: string;
                    audio: {
                      seconds: number;
                      sampleRate: number;
                      channels: number;
                    };
                    speech: {
                      /** @description Net speech. */
                      seconds: number;
                    };
                    quality: {
                      /**
                       * @description GOOD: clean wide-band speech; FAIR: accepted all the same; POOR: not accepted.
                       * @enum {string}
                       */
                      label: 'GOOD' | 'FAIR' | 'POOR';
                      snrDb: number | null;
                      clippedShare: number;
                      bandwidthHz: number;
                      levelDb: number;
                    };
                    /** @description Whether the recording is good enough to count. */
                    accepted: boolean;
                    /** @description Why it is not accepted. */
                    reasons: ('TOO_LITTLE_SPEECH' | 'TOO_NOISY' | 'CLIPPED' | 'NARROW_BAND')[];
                    /**
                     * @description With TOO_LITTLE_SPEECH: seconds of speech that it lacks to count; else null.
                     * @example 0.6
                     */
                    missingSpeechSeconds: number | null;
                    /** @description Cosine with the mean of the speaker's other recordings; null where there is none to compare with. */
                    agreement: number | null;
                    /** @description Set aside: it does not sound like the others. */
                    outlier: boolean;
                    /**
                     * @description enrolled: by a call of this list. imported: a vector that was made elsewhere; what was not measured then is 0. named: the voice of a conversation that somebody named; its speech alone was measured. learned: verified with strong evidence. confirmed: verified, and confirmed by a call.
                     * @enum {string}
                     */
                    origin: 'enrolled' | 'imported' | 'named' | 'learned' | 'confirmed';
                    /** @description Whether the audio is kept, so that another model can embed it. */
                    audioKept: boolean;
                    /**
                     * @description Why it does not count though it is kept: replaced by another recording that was learned, or merged into another speaker who has it too. Null where it is not set aside.
                     * @enum {string|null}
                     */
                    setAside: 'replaced' | 'merged' | null;
                  };
                  /** @description What was found in the file, above all whether it is whole; null where it was known already. */
                  audio: {
                    /** @description Of audio that is there. */
                    seconds: number;
                    sampleRate: number;
                    channels: number;
                    /** @description What was embedded: all channels mixed down, or the channel with this number. */
                    channel: 'mix' | number;
                    /** @description The channels cancel each other when they are mixed (opposite phase): the strongest was taken. */
                    channelsCancel: boolean;
                    /** @description All channels hold the same; false also where only one of them was looked at. */
                    channelsAlike: boolean;
                    /** @description Audio tracks of the container. */
                    tracks: number;
                    /** @description The one that was taken, counted from 0. */
                    track: number;
                    /**
                     * @description Container and codec.
                     * @example WAV/PCM_16
                     */
                    format: string;
                    /** @description Whether the recording is whole, as far as its container tells. */
                    complete: boolean;
                    /** @description What is missing; null where it is complete. */
                    incomplete: {
                      /**
                       * @description TRUNCATED: it ends before its container says. DAMAGED: bytes in it are broken or missing. GAPS: its time stamps pass over audio that is not there. GROWING: the file was still being written.
                       * @enum {string}
                       */
                      reason: 'TRUNCATED' | 'DAMAGED' | 'GAPS' | 'GROWING';
                      /** @description Null where the container does not tell. */
                      missingSeconds: number | null;
                      message: string;
                    } | null;
                  } | null;
                  /**
                   * @description Why its audio is not kept; null where it is. OFF: nobody has switched it on for the speaker. PART: a channel, a track or intervals were enrolled, and the rest may be other people. TOO_LARGE: it has more bytes than one may have (TIMBRE_KEPT_RECORDING_BYTES). NO_ROOM: all that are kept would have more than they may (TIMBRE_KEPT_BYTES).
                   * @enum {string|null}
                   */
                  audioNotKept: 'OFF' | 'PART' | 'TOO_LARGE' | 'NO_ROOM' | null;
                }
              | {
                  index: number;
                  filename: string;
                  error: {
                    code: string;
                    message: string;
                  };
                }
            )[];
            /** @description The voice of these recordings may already be here as this speaker; null where nobody was found, or looked for. */
            possibleDuplicate: {
              speakerId: string;
              cosine: number;
              llr: number | null;
              /** @description Share of people who are nobody else of those compared and are named here all the same; null where none was learned. */
              falseAcceptRate: number | null;
              /** @description People who were compared. */
              gallerySize: number;
            } | null;
          };
        };
      };
    };
  };
  importVectors: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          vectors: {
            /** @description As the model gave it. */
            vector: number[];
            /**
             * @description That made it: the loaded one, by its name.
             * @example starter@0123456789ab
             */
            model: string;
            /** @description Net speech of the recording. */
            speechSeconds: number;
            /**
             * Format: date-time
             * @description When it was recorded; left out, now.
             */
            at?: string;
            /** @description Of the recording: the same twice is one. Left out, that of the vector. */
            sha256?: string;
            filename?: string;
            /** @description What was measured on the recording, as enrolments have it. Left out, speech alone is judged. */
            measures?: {
              audioSeconds: number;
              sampleRate: number;
              channels: number;
              snrDb: number | null;
              clippedShare: number;
              bandwidthHz: number;
              levelDb: number;
            };
          }[];
        };
      };
    };
    responses: {
      /** @description The speaker now, and what came of each vector. */
      201: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            speaker: {
              /** @example 3f6b0a52-6d0f-4a27-9c57-1f0d5c2b7a10 */
              id: string;
              /** @example Ada Lovelace */
              name: string | null;
              /** Format: date-time */
              createdAt: string;
              /** Format: date-time */
              updatedAt: string;
              /** @description Counts every change of the speaker, the enrolments and the profile. */
              version: number;
              /**
               * @description Ids of the groups that the speaker belongs to; for a key that is bound to groups, of those.
               * @example [
               *       "household-7"
               *     ]
               */
              groups: string[];
              /**
               * @example {
               *       "team": "engines"
               *     }
               */
              metadata: {
                [key: string]: string;
              };
              /**
               * @description WITHDRAWN: the speaker has opted out and is neither enrolled nor matched.
               * @example GIVEN
               * @enum {string}
               */
              consentStatus: 'NOT_RECORDED' | 'GIVEN' | 'WITHDRAWN';
              /**
               * Format: date-time
               * @description When it was announced that the speaker will be erased for age; null where it was not.
               */
              erasureAnnouncedAt: string | null;
              /**
               * @description For the loaded model. Enrolled: enough speech for verification and identification.
               * @enum {string}
               */
              enrollmentStatus: 'Enrolling' | 'Enrolled';
              /**
               * @description Recordings that count: accepted, and no outliers.
               * @example 3
               */
              enrollmentsCount: number;
              /**
               * @description Net speech of those recordings.
               * @example 24.5
               */
              enrollmentsSpeechLengthInSec: number;
              /**
               * @description Net speech still needed.
               * @example 0
               */
              remainingEnrollmentsSpeechLengthInSec: number;
              /**
               * @description Recordings whose audio is kept, so that another model can embed them.
               * @example 0
               */
              recordingsKept: number;
              /**
               * @description How far the profile can be trusted, in [0, 1]; see docs/profiles.md.
               * @example 0.81
               */
              confidence: number;
            };
            /** @description One per vector, in their order. */
            results: {
              /** Format: uuid */
              enrollmentId: string;
              /** @description The speaker has it already; nothing was added. */
              duplicate: boolean;
              /** @description Whether it counts. */
              accepted: boolean;
            }[];
          };
        };
      };
    };
  };
  getEnrollment: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
        enrollmentId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description What was measured on it and what it counts for. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** Format: uuid */
            id: string;
            /** Format: date-time */
            createdAt: string;
            /** @example ada-1.wav */
            filename: string | null;
            /** @description Of the file: the same file twice is one recording. */
            sha256: string;
            /** @description That made the embedding. */
            model: string;
            audio: {
              seconds: number;
              sampleRate: number;
              channels: number;
            };
            speech: {
              /** @description Net speech. */
              seconds: number;
            };
            quality: {
              /**
               * @description GOOD: clean wide-band speech; FAIR: accepted all the same; POOR: not accepted.
               * @enum {string}
               */
              label: 'GOOD' | 'FAIR' | 'POOR';
              snrDb: number | null;
              clippedShare: number;
              bandwidthHz: number;
              levelDb: number;
            };
            /** @description Whether the recording is good enough to count. */
            accepted: boolean;
            /** @description Why it is not accepted. */
            reasons: ('TOO_LITTLE_SPEECH' | 'TOO_NOISY' | 'CLIPPED' | 'NARROW_BAND')[];
            /**
             * @description With TOO_LITTLE_SPEECH: seconds of speech that it lacks to count; else null.
             * @example 0.6
             */
            missingSpeechSeconds: number | null;
            /** @description Cosine with the mean of the speaker's other recordings; null where there is none to compare with. */
            agreement: number | null;
            /** @description Set aside: it does not sound like the others. */
            outlier: boolean;
            /**
             * @description enrolled: by a call of this list. imported: a vector that was made elsewhere; what was not measured then is 0. named: the voice of a conversation that somebody named; its speech alone was measured. learned: verified with strong evidence. confirmed: verified, and confirmed by a call.
             * @enum {string}
             */
            origin: 'enrolled' | 'imported' | 'named' | 'learned' | 'confirmed';
            /** @description Whether the audio is kept, so that another model can embed it. */
            audioKept: boolean;
            /**
             * @description Why it does not count though it is kept: replaced by another recording that was learned, or merged into another speaker who has it too. Null where it is not set aside.
             * @enum {string|null}
             */
            setAside: 'replaced' | 'merged' | null;
          };
        };
      };
    };
  };
  deleteEnrollment: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
        enrollmentId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Deleted; the profile is made of the others. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
    };
  };
  getProfile: {
    parameters: {
      query?: {
        /** @description Whether to say how the profile is doing. */
        health?: 'true' | 'false';
        /** @description Whether to give the centroid. */
        embedding?: 'true' | 'false';
      };
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The profile. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            speakerId: string;
            model: string;
            frontEnd: string;
            /** @enum {string} */
            enrollmentStatus: 'Enrolling' | 'Enrolled';
            enrollmentsCount: number;
            enrollmentsSpeechLengthInSec: number;
            remainingEnrollmentsSpeechLengthInSec: number;
            /** @description In [0, 1]; the formula is in docs/profiles.md. */
            confidence: number;
            /** @description Mean cosine of the pairs of recordings that count; null for fewer than two. */
            cohesion: number | null;
            /** @description Every accepted recording, oldest first. */
            recordings: {
              enrollmentId: string;
              agreement: number | null;
              outlier: boolean;
            }[];
            /** @description Enrolments that were set aside. */
            outliers: string[];
            /** @description Other models that the speaker was enrolled with. */
            otherModels: string[];
            /** Format: date-time */
            updatedAt: string | null;
            /** @description Only where it was asked for. */
            health?: {
              /** @description Recordings that were enrolled and count. */
              enrolled: number;
              /** @description The same of those that were learned or confirmed. */
              learned: number;
              /** @description 1 - mean cosine of the recordings with the centroid. */
              spread: number | null;
              /** @description 1 - cosine of the mean of the earlier half of the recordings with that of the later half; null for fewer than four. */
              drift: number | null;
              /** @description 1 - cosine of the centroid with the mean of the enrolled recordings: how far learning has moved it. */
              fromEnrolled: number | null;
              /** @description The nearest other person, for keys of the scope `vectors`; null where there is none. */
              nearest: {
                speakerId: string;
                cosine: number;
                llr: number | null;
              } | null;
            };
            /** @description The centroid, of unit length; only where it was asked for. */
            embedding?: number[] | null;
          };
        };
      };
    };
  };
  verifySpeaker: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'multipart/form-data': {
          /** Format: binary */
          audio: Upload;
          /** @description `mix` (the default): all channels, mixed down; a number: that channel, counted from 0. */
          channel?: string;
          /** @description The audio track of a container with several, counted from 0. Default: the one it marks as its default. */
          track?: string;
          /** @description False accepts that this request may have: the share of strangers who are taken for somebody. Default: that of the service. A higher one needs a key of the scope `admin`. */
          falseAcceptRate?: number;
        };
      };
    };
    responses: {
      /** @description The decision, and what it was made of. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            speakerId: string;
            /**
             * @description NOT_ENOUGH_SPEECH: the recording has too little to decide on. NOT_ENROLLED: the speaker has too little enrolled. OPTED_OUT: the speaker has withdrawn consent; nothing was compared. Null where the model brings no threshold: run `timbre calibrate`.
             * @enum {string|null}
             */
            decision: 'ACCEPT' | 'REJECT' | 'NOT_ENOUGH_SPEECH' | 'NOT_ENROLLED' | 'OPTED_OUT' | null;
            /**
             * @description With NOT_ENOUGH_SPEECH: seconds of speech that the recording lacks; else null.
             * @example 0.6
             */
            missingSpeechSeconds: number | null;
            /** @description Null where nothing was compared. */
            score: {
              /**
               * @description Of the recording and the profile, in [-1, 1].
               * @example 0.71
               */
              cosine: number;
              /**
               * @description Log-likelihood ratio of "same speaker"; null where the model is not calibrated.
               * @example 4.2
               */
              llr: number | null;
              /**
               * @description Of "same speaker", at even odds; null where the model is not calibrated.
               * @example 0.985
               */
              probability: number | null;
              /**
               * @description The cosine that had to be reached; null where the model brings none.
               * @example 0.42
               */
              threshold: number | null;
              /**
               * @description Where the threshold is from: `calibration`, learned from trials; `published`, by the publisher of the model; `option`, set by whoever runs the service. Null without one.
               * @enum {string|null}
               */
              thresholdFrom: 'option' | 'calibration' | 'published' | null;
              /**
               * @description Share of impostors that the threshold accepts; null where none was learned.
               * @example 0.01
               */
              falseAcceptRate: number | null;
              /** @description Whether the rate lies beyond what the trials of the calibration can show; null where that is not known. */
              extrapolated: boolean | null;
            } | null;
            model: string;
            /** @enum {string} */
            enrollmentStatus: 'Enrolling' | 'Enrolled';
            remainingEnrollmentsSpeechLengthInSec: number;
            /** @description Of the profile, in [0, 1]. */
            confidence: number;
            /**
             * Format: uuid
             * @description By which `POST /v1/verifications/{id}/confirm` says that the recording is the speaker's; null where nothing waits for that.
             */
            verificationId: string | null;
            /** Format: date-time */
            confirmUntil: string | null;
            /** @description What the profile learned of it; null where the profile does not learn, or nothing was compared. */
            learning: {
              learned: boolean;
              /**
               * @description Why it was not learned; null where it was.
               * @enum {string|null}
               */
              reason:
                | 'NOT_ACCEPTED'
                | 'NOT_ENROLLED'
                | 'OPTED_OUT'
                | 'CONSENT_REQUIRED'
                | 'OFF'
                | 'FROZEN'
                | 'TOO_LITTLE_SPEECH'
                | 'LOW_QUALITY'
                | 'NO_EVIDENCE'
                | 'WEAK_EVIDENCE'
                | 'SECOND_PERSON'
                | 'KNOWN'
                | 'DISAGREES'
                | 'REDUNDANT'
                | 'STORAGE'
                | null;
              /**
               * Format: uuid
               * @description By which it is undone.
               */
              ledgerEntry: string | null;
            } | null;
            /** @description Null where the speaker is not enrolled or has opted out: it was not heard. */
            recording: {
              filename: string;
              sha256: string;
              audio: {
                /** @description Of audio that is there. */
                seconds: number;
                sampleRate: number;
                channels: number;
                /** @description What was embedded: all channels mixed down, or the channel with this number. */
                channel: 'mix' | number;
                /** @description The channels cancel each other when they are mixed (opposite phase): the strongest was taken. */
                channelsCancel: boolean;
                /** @description All channels hold the same; false also where only one of them was looked at. */
                channelsAlike: boolean;
                /** @description Audio tracks of the container. */
                tracks: number;
                /** @description The one that was taken, counted from 0. */
                track: number;
                /**
                 * @description Container and codec.
                 * @example WAV/PCM_16
                 */
                format: string;
                /** @description Whether the recording is whole, as far as its container tells. */
                complete: boolean;
                /** @description What is missing; null where it is complete. */
                incomplete: {
                  /**
                   * @description TRUNCATED: it ends before its container says. DAMAGED: bytes in it are broken or missing. GAPS: its time stamps pass over audio that is not there. GROWING: the file was still being written.
                   * @enum {string}
                   */
                  reason: 'TRUNCATED' | 'DAMAGED' | 'GAPS' | 'GROWING';
                  /** @description Null where the container does not tell. */
                  missingSeconds: number | null;
                  message: string;
                } | null;
              };
              speech: {
                /** @description Net speech. */
                seconds: number;
              };
              /** @description What the model was given: `cut` is the speech with pauses of natural length. */
              embedded: {
                seconds: number;
                /** @enum {string} */
                pauses: 'cut' | 'keep';
              };
              quality: {
                /** @description Signal-to-noise ratio, dB; null where nothing but speech is there. */
                snrDb: number | null;
                /** @description Share of samples at full scale. */
                clippedShare: number;
                /** @description Highest frequency that carries signal. */
                bandwidthHz: number;
                /** @description Level of the speech, dB relative to full scale. */
                levelDb: number;
              };
            } | null;
          };
        };
      };
    };
  };
  identifySpeaker: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'multipart/form-data': {
          /** Format: binary */
          audio: Upload;
          /** @description `mix` (the default): all channels, mixed down; a number: that channel, counted from 0. */
          channel?: string;
          /** @description The audio track of a container with several, counted from 0. Default: the one it marks as its default. */
          track?: string;
          /** @description False accepts that this request may have: the share of strangers who are taken for somebody. Default: that of the service. A higher one needs a key of the scope `admin`. */
          falseAcceptRate?: number;
          /**
           * @description Speakers in the ranking.
           * @default 5
           */
          top?: number;
          /**
           * @description Id of the group whose members are searched; with `candidates`, those of them who belong to it. Default: everybody, and for a key that is bound to groups their members.
           * @example household-7
           */
          group?: string;
          /** @description Ids of the speakers to choose among, separated by commas. Default: everybody enrolled. */
          candidates?: string;
        };
      };
    };
    responses: {
      /** @description The decision and the ranking. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * @description ACCEPT: it is the first of the ranking. REJECT: it is none of the candidates. AMBIGUOUS: it is one of the first two, who are too close to name one. NOT_ENOUGH_SPEECH: too little to decide on. NOT_ENROLLED: no candidate is enrolled. Null where the model brings no threshold.
             * @enum {string|null}
             */
            decision: 'ACCEPT' | 'REJECT' | 'AMBIGUOUS' | 'NOT_ENOUGH_SPEECH' | 'NOT_ENROLLED' | null;
            /**
             * @description With NOT_ENOUGH_SPEECH: seconds of speech that the recording lacks; else null.
             * @example 0.6
             */
            missingSpeechSeconds: number | null;
            /** @description Who it is; null unless the decision is ACCEPT. */
            speakerId: string | null;
            /**
             * @description Share of requests with the voice of a stranger that are answered with a name, whatever the number of candidates. Null where nothing was compared, or the threshold is one that promises no rate.
             * @example 0.01
             */
            falseAcceptRate: number | null;
            /**
             * @description The log-likelihood ratio that the first of the ranking had to reach; it rises with the number of candidates who resemble the recording, which the evidence for the second tells. Null where decisions are made on cosines: those of the ranking have their thresholds; on REJECT for keys of the scope `vectors` alone.
             * @example 4.9
             */
            threshold: number | null;
            /**
             * @description Where thresholds are from, as the scores of a ranking say it; null where nothing was compared.
             * @enum {string|null}
             */
            thresholdFrom: 'option' | 'calibration' | 'published' | null;
            /** @description Whether the rate lies beyond what the trials of the calibration can show; null without a rate, and where a REJECT does not tell the threshold. */
            extrapolated: boolean | null;
            /** @description How much nearer the first is than the second speaker, in cosine; null where there is no second. */
            margin: number | null;
            /** @description The nearest speakers by cosine, nearest first; on REJECT for keys of the scope `vectors` alone. */
            ranking: {
              rank: number;
              speakerId: string;
              name: string | null;
              score: {
                /**
                 * @description Of the recording and the profile, in [-1, 1].
                 * @example 0.71
                 */
                cosine: number;
                /**
                 * @description Log-likelihood ratio of "same speaker"; null where the model is not calibrated.
                 * @example 4.2
                 */
                llr: number | null;
                /**
                 * @description Of "same speaker", at even odds; null where the model is not calibrated.
                 * @example 0.985
                 */
                probability: number | null;
                /**
                 * @description The cosine that had to be reached; null where the model brings none.
                 * @example 0.42
                 */
                threshold: number | null;
                /**
                 * @description Where the threshold is from: `calibration`, learned from trials; `published`, by the publisher of the model; `option`, set by whoever runs the service. Null without one.
                 * @enum {string|null}
                 */
                thresholdFrom: 'option' | 'calibration' | 'published' | null;
                /**
                 * @description Share of impostors that the threshold accepts; null where none was learned.
                 * @example 0.01
                 */
                falseAcceptRate: number | null;
                /** @description Whether the rate lies beyond what the trials of the calibration can show; null where that is not known. */
                extrapolated: boolean | null;
              };
            }[];
            /** @description Enrolled speakers who were compared: of the group, where one was given. */
            gallerySize: number;
            model: string;
            recording: {
              filename: string;
              sha256: string;
              audio: {
                /** @description Of audio that is there. */
                seconds: number;
                sampleRate: number;
                channels: number;
                /** @description What was embedded: all channels mixed down, or the channel with this number. */
                channel: 'mix' | number;
                /** @description The channels cancel each other when they are mixed (opposite phase): the strongest was taken. */
                channelsCancel: boolean;
                /** @description All channels hold the same; false also where only one of them was looked at. */
                channelsAlike: boolean;
                /** @description Audio tracks of the container. */
                tracks: number;
                /** @description The one that was taken, counted from 0. */
                track: number;
                /**
                 * @description Container and codec.
                 * @example WAV/PCM_16
                 */
                format: string;
                /** @description Whether the recording is whole, as far as its container tells. */
                complete: boolean;
                /** @description What is missing; null where it is complete. */
                incomplete: {
                  /**
                   * @description TRUNCATED: it ends before its container says. DAMAGED: bytes in it are broken or missing. GAPS: its time stamps pass over audio that is not there. GROWING: the file was still being written.
                   * @enum {string}
                   */
                  reason: 'TRUNCATED' | 'DAMAGED' | 'GAPS' | 'GROWING';
                  /** @description Null where the container does not tell. */
                  missingSeconds: number | null;
                  message: string;
                } | null;
              };
              speech: {
                /** @description Net speech. */
                seconds: number;
              };
              /** @description What the model was given: `cut` is the speech with pauses of natural length. */
              embedded: {
                seconds: number;
                /** @enum {string} */
                pauses: 'cut' | 'keep';
              };
              quality: {
                /** @description Signal-to-noise ratio, dB; null where nothing but speech is there. */
                snrDb: number | null;
                /** @description Share of samples at full scale. */
                clippedShare: number;
                /** @description Highest frequency that carries signal. */
                bandwidthHz: number;
                /** @description Level of the speech, dB relative to full scale. */
                levelDb: number;
              };
            };
          };
        };
      };
    };
  };
  listLedger: {
    parameters: {
      query?: {
        /** @description Entries on the page. */
        limit?: number;
        /** @description `nextCursor` of the page before. */
        cursor?: string;
      };
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description One page. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            entries: {
              /** Format: uuid */
              id: string;
              /** Format: date-time */
              at: string;
              /** @description Who did it, as in the audit trail; null for a key that is bound to groups where another did. */
              by: string | null;
              /**
               * @description enrolled, imported, deleted: a recording, by a call. named: a voice of a conversation that was named. learned, confirmed: a recording that was verified. merged, split-off: recordings came from the other speaker; merged-away, split: they went to the other one. frozen, unfrozen: the profile learns nothing, or may again.
               * @enum {string}
               */
              action:
                | 'enrolled'
                | 'imported'
                | 'named'
                | 'deleted'
                | 're-embedded'
                | 'learned'
                | 'confirmed'
                | 'merged'
                | 'merged-away'
                | 'split'
                | 'split-off'
                | 'frozen'
                | 'unfrozen';
              /**
               * @description CALLED: somebody called for it. HIGH_EVIDENCE: the evidence reached the threshold of learning.
               * @enum {string}
               */
              reason: 'CALLED' | 'HIGH_EVIDENCE' | 'CONFIRMED';
              /** @description Of the recording; null where it is of none or several. */
              model: string | null;
              /**
               * Format: uuid
               * @description The recording, in the list of enrolments while it is there.
               */
              enrollmentId: string | null;
              /** Format: uuid */
              verificationId: string | null;
              /** @description With the profile as it was then; null where nothing was compared. */
              evidence: {
                cosine: number;
                llr: number | null;
                /** @description The cosine that had to be reached; null: it was confirmed. */
                threshold: number | null;
                falseAcceptRate: number | null;
              } | null;
              /** @description Learned recordings that do not count any more because of it. */
              replaced: string[];
              /** @description Of a merge or a split; null where there is none, or none whom the caller may see. */
              otherSpeakerId: string | null;
              /** @description Recordings that changed hands. */
              recordings: string[];
              /** @description It is of a kind that can be undone, and was not. */
              undoable: boolean;
              /** Format: date-time */
              undoneAt: string | null;
            }[];
            /** @description `cursor` of the next page; null on the last one. */
            nextCursor: string | null;
          };
        };
      };
    };
  };
  undoSince: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /**
           * Format: date-time
           * @description All that can be undone from then on is.
           * @example 2026-03-01T00:00:00Z
           */
          since: string;
        };
      };
    };
    responses: {
      /** @description What was undone. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @description Entries that were undone, the newest first. */
            undone: string[];
            /** @description Entries whose other person, or recording, is not there any more. */
            left: string[];
          };
        };
      };
    };
  };
  undoEntry: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
        entryId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The entry as it is now. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** Format: uuid */
            id: string;
            /** Format: date-time */
            at: string;
            /** @description Who did it, as in the audit trail; null for a key that is bound to groups where another did. */
            by: string | null;
            /**
             * @description enrolled, imported, deleted: a recording, by a call. named: a voice of a conversation that was named. learned, confirmed: a recording that was verified. merged, split-off: recordings came from the other speaker; merged-away, split: they went to the other one. frozen, unfrozen: the profile learns nothing, or may again.
             * @enum {string}
             */
            action:
              | 'enrolled'
              | 'imported'
              | 'named'
              | 'deleted'
              | 're-embedded'
              | 'learned'
              | 'confirmed'
              | 'merged'
              | 'merged-away'
              | 'split'
              | 'split-off'
              | 'frozen'
              | 'unfrozen';
            /**
             * @description CALLED: somebody called for it. HIGH_EVIDENCE: the evidence reached the threshold of learning.
             * @enum {string}
             */
            reason: 'CALLED' | 'HIGH_EVIDENCE' | 'CONFIRMED';
            /** @description Of the recording; null where it is of none or several. */
            model: string | null;
            /**
             * Format: uuid
             * @description The recording, in the list of enrolments while it is there.
             */
            enrollmentId: string | null;
            /** Format: uuid */
            verificationId: string | null;
            /** @description With the profile as it was then; null where nothing was compared. */
            evidence: {
              cosine: number;
              llr: number | null;
              /** @description The cosine that had to be reached; null: it was confirmed. */
              threshold: number | null;
              falseAcceptRate: number | null;
            } | null;
            /** @description Learned recordings that do not count any more because of it. */
            replaced: string[];
            /** @description Of a merge or a split; null where there is none, or none whom the caller may see. */
            otherSpeakerId: string | null;
            /** @description Recordings that changed hands. */
            recordings: string[];
            /** @description It is of a kind that can be undone, and was not. */
            undoable: boolean;
            /** Format: date-time */
            undoneAt: string | null;
          };
        };
      };
    };
  };
  getLearning: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description What is set, and what comes of it. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @example ada */
            speakerId: string;
            /**
             * @description Null: as the groups of the speaker say, one that says off before all others, else TIMBRE_LEARNING.
             * @enum {string|null}
             */
            setting: 'on' | 'off' | null;
            /** @description What comes of all settings, but for `frozenAt`. */
            learns: boolean;
            /**
             * @description Who says so.
             * @enum {string}
             */
            from: 'speaker' | 'group' | 'default';
            /** Format: date-time */
            frozenAt: string | null;
          };
        };
      };
    };
  };
  setLearning: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /**
           * @description Null: as the groups of the speaker say, one that says off before all others, else TIMBRE_LEARNING.
           * @enum {string|null}
           */
          setting?: 'on' | 'off' | null;
          /** @description Whether the profile learns nothing, whatever is set. */
          frozen?: boolean;
        };
      };
    };
    responses: {
      /** @description What is set now, and what comes of it. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @example ada */
            speakerId: string;
            /**
             * @description Null: as the groups of the speaker say, one that says off before all others, else TIMBRE_LEARNING.
             * @enum {string|null}
             */
            setting: 'on' | 'off' | null;
            /** @description What comes of all settings, but for `frozenAt`. */
            learns: boolean;
            /**
             * @description Who says so.
             * @enum {string}
             */
            from: 'speaker' | 'group' | 'default';
            /** Format: date-time */
            frozenAt: string | null;
          };
        };
      };
    };
  };
  mergeSpeakers: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /** @description Id of the speaker whose recordings are taken over. */
          from: string;
        };
      };
    };
    responses: {
      /** @description The speaker with the recordings of both. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            speaker: {
              /** @example 3f6b0a52-6d0f-4a27-9c57-1f0d5c2b7a10 */
              id: string;
              /** @example Ada Lovelace */
              name: string | null;
              /** Format: date-time */
              createdAt: string;
              /** Format: date-time */
              updatedAt: string;
              /** @description Counts every change of the speaker, the enrolments and the profile. */
              version: number;
              /**
               * @description Ids of the groups that the speaker belongs to; for a key that is bound to groups, of those.
               * @example [
               *       "household-7"
               *     ]
               */
              groups: string[];
              /**
               * @example {
               *       "team": "engines"
               *     }
               */
              metadata: {
                [key: string]: string;
              };
              /**
               * @description WITHDRAWN: the speaker has opted out and is neither enrolled nor matched.
               * @example GIVEN
               * @enum {string}
               */
              consentStatus: 'NOT_RECORDED' | 'GIVEN' | 'WITHDRAWN';
              /**
               * Format: date-time
               * @description When it was announced that the speaker will be erased for age; null where it was not.
               */
              erasureAnnouncedAt: string | null;
              /**
               * @description For the loaded model. Enrolled: enough speech for verification and identification.
               * @enum {string}
               */
              enrollmentStatus: 'Enrolling' | 'Enrolled';
              /**
               * @description Recordings that count: accepted, and no outliers.
               * @example 3
               */
              enrollmentsCount: number;
              /**
               * @description Net speech of those recordings.
               * @example 24.5
               */
              enrollmentsSpeechLengthInSec: number;
              /**
               * @description Net speech still needed.
               * @example 0
               */
              remainingEnrollmentsSpeechLengthInSec: number;
              /**
               * @description Recordings whose audio is kept, so that another model can embed them.
               * @example 0
               */
              recordingsKept: number;
              /**
               * @description How far the profile can be trusted, in [0, 1]; see docs/profiles.md.
               * @example 0.81
               */
              confidence: number;
            };
            /**
             * Format: uuid
             * @description By which it is undone, as long as both are there.
             */
            ledgerEntry: string;
          };
        };
      };
    };
  };
  splitSpeaker: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /** @description Ids of enrolments of the speaker. */
          recordings: string[];
          /**
           * @description Of the new speaker. Left out, a UUID is made.
           * @example bea
           */
          id?: string;
          /** @description For people; 200 characters at most. */
          name?: string | null;
          /** @description The new speaker's; that of the first is not hers. */
          consent?: {
            /**
             * @description Who gave it: the speaker, or who may speak for them; 200 characters at most. Left out, the speaker.
             * @example Ada Lovelace
             */
            givenBy?: string;
            /**
             * @description How it was given; 200 characters at most.
             * @example signed form
             */
            method: string;
            /**
             * @description Which text was agreed to; 100 characters at most.
             * @example privacy-2026-03
             */
            textVersion: string;
            /**
             * Format: date-time
             * @description When it was given; left out, now.
             * @example 2026-03-01T09:30:00Z
             */
            givenAt?: string;
          };
        };
      };
    };
    responses: {
      /** @description Both speakers. */
      201: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            speaker: {
              /** @example 3f6b0a52-6d0f-4a27-9c57-1f0d5c2b7a10 */
              id: string;
              /** @example Ada Lovelace */
              name: string | null;
              /** Format: date-time */
              createdAt: string;
              /** Format: date-time */
              updatedAt: string;
              /** @description Counts every change of the speaker, the enrolments and the profile. */
              version: number;
              /**
               * @description Ids of the groups that the speaker belongs to; for a key that is bound to groups, of those.
               * @example [
               *       "household-7"
               *     ]
               */
              groups: string[];
              /**
               * @example {
               *       "team": "engines"
               *     }
               */
              metadata: {
                [key: string]: string;
              };
              /**
               * @description WITHDRAWN: the speaker has opted out and is neither enrolled nor matched.
               * @example GIVEN
               * @enum {string}
               */
              consentStatus: 'NOT_RECORDED' | 'GIVEN' | 'WITHDRAWN';
              /**
               * Format: date-time
               * @description When it was announced that the speaker will be erased for age; null where it was not.
               */
              erasureAnnouncedAt: string | null;
              /**
               * @description For the loaded model. Enrolled: enough speech for verification and identification.
               * @enum {string}
               */
              enrollmentStatus: 'Enrolling' | 'Enrolled';
              /**
               * @description Recordings that count: accepted, and no outliers.
               * @example 3
               */
              enrollmentsCount: number;
              /**
               * @description Net speech of those recordings.
               * @example 24.5
               */
              enrollmentsSpeechLengthInSec: number;
              /**
               * @description Net speech still needed.
               * @example 0
               */
              remainingEnrollmentsSpeechLengthInSec: number;
              /**
               * @description Recordings whose audio is kept, so that another model can embed them.
               * @example 0
               */
              recordingsKept: number;
              /**
               * @description How far the profile can be trusted, in [0, 1]; see docs/profiles.md.
               * @example 0.81
               */
              confidence: number;
            };
            /** @description The new speaker. */
            split: {
              /** @example 3f6b0a52-6d0f-4a27-9c57-1f0d5c2b7a10 */
              id: string;
              /** @example Ada Lovelace */
              name: string | null;
              /** Format: date-time */
              createdAt: string;
              /** Format: date-time */
              updatedAt: string;
              /** @description Counts every change of the speaker, the enrolments and the profile. */
              version: number;
              /**
               * @description Ids of the groups that the speaker belongs to; for a key that is bound to groups, of those.
               * @example [
               *       "household-7"
               *     ]
               */
              groups: string[];
              /**
               * @example {
               *       "team": "engines"
               *     }
               */
              metadata: {
                [key: string]: string;
              };
              /**
               * @description WITHDRAWN: the speaker has opted out and is neither enrolled nor matched.
               * @example GIVEN
               * @enum {string}
               */
              consentStatus: 'NOT_RECORDED' | 'GIVEN' | 'WITHDRAWN';
              /**
               * Format: date-time
               * @description When it was announced that the speaker will be erased for age; null where it was not.
               */
              erasureAnnouncedAt: string | null;
              /**
               * @description For the loaded model. Enrolled: enough speech for verification and identification.
               * @enum {string}
               */
              enrollmentStatus: 'Enrolling' | 'Enrolled';
              /**
               * @description Recordings that count: accepted, and no outliers.
               * @example 3
               */
              enrollmentsCount: number;
              /**
               * @description Net speech of those recordings.
               * @example 24.5
               */
              enrollmentsSpeechLengthInSec: number;
              /**
               * @description Net speech still needed.
               * @example 0
               */
              remainingEnrollmentsSpeechLengthInSec: number;
              /**
               * @description Recordings whose audio is kept, so that another model can embed them.
               * @example 0
               */
              recordingsKept: number;
              /**
               * @description How far the profile can be trusted, in [0, 1]; see docs/profiles.md.
               * @example 0.81
               */
              confidence: number;
            };
            /**
             * Format: uuid
             * @description By which it is undone, as long as both are there.
             */
            ledgerEntry: string;
          };
        };
      };
    };
  };
  getGroupLearning: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description What is set. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @example household-7 */
            group: string;
            /**
             * @description Null: as other groups of the speaker say, else TIMBRE_LEARNING.
             * @enum {string|null}
             */
            setting: 'on' | 'off' | null;
          };
        };
      };
    };
  };
  setGroupLearning: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /**
           * @description Null: as other groups of the speaker say, else TIMBRE_LEARNING.
           * @enum {string|null}
           */
          setting: 'on' | 'off' | null;
        };
      };
    };
    responses: {
      /** @description What is set now. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @example household-7 */
            group: string;
            /**
             * @description Null: as other groups of the speaker say, else TIMBRE_LEARNING.
             * @enum {string|null}
             */
            setting: 'on' | 'off' | null;
          };
        };
      };
    };
  };
  confirmVerification: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Whether it was learned, and why not. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @example ada */
            speakerId: string;
            learned: boolean;
            /**
             * @description Why it was not learned; null where it was.
             * @enum {string|null}
             */
            reason:
              | 'NOT_ACCEPTED'
              | 'NOT_ENROLLED'
              | 'OPTED_OUT'
              | 'CONSENT_REQUIRED'
              | 'OFF'
              | 'FROZEN'
              | 'TOO_LITTLE_SPEECH'
              | 'LOW_QUALITY'
              | 'NO_EVIDENCE'
              | 'WEAK_EVIDENCE'
              | 'SECOND_PERSON'
              | 'KNOWN'
              | 'DISAGREES'
              | 'REDUNDANT'
              | 'STORAGE'
              | null;
            /**
             * Format: uuid
             * @description By which it is undone.
             */
            ledgerEntry: string | null;
          };
        };
      };
    };
  };
  listDuplicates: {
    parameters: {
      query?: {
        /** @description Speakers who are compared with all others on the page. */
        limit?: number;
        /** @description `nextCursor` of the page before. */
        cursor?: string;
        /** @description Only among members of this group, by its id. */
        group?: string;
        /** @description Default: TIMBRE_DUPLICATE_FALSE_ACCEPT_RATE. */
        falseAcceptRate?: number;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description What was found for one page of speakers. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            pairs: {
              /** @example ada */
              of: string;
              /**
               * @description Who may be the same person.
               * @example ada-2
               */
              speakerId: string;
              cosine: number;
              llr: number | null;
              /** @description Share of people who are nobody else and are told all the same; null where none was learned. */
              falseAcceptRate: number | null;
              /** @description People whom one was compared with. */
              gallerySize: number;
            }[];
            /** @description Speakers of the page who are enrolled. */
            compared: number;
            /** @description `cursor` of the next page; null on the last one. */
            nextCursor: string | null;
          };
        };
      };
    };
  };
  listRecordings: {
    parameters: {
      query?: {
        /** @description Recordings on the page. */
        limit?: number;
        /** @description `nextCursor` of the page before. */
        cursor?: string;
      };
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Oldest first, and whether more will be. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @description Whether the audio of the next enrolment is kept. */
            keeps: boolean;
            /**
             * @description Who says so.
             * @enum {string}
             */
            from: 'group' | 'default';
            recordings: {
              /** @description Of the recording, as its enrolments have it. */
              sha256: string;
              bytes: number;
              /** Format: date-time */
              keptAt: string;
              /**
               * Format: date-time
               * @description After which retention removes the audio; null: it stays as long as the enrolment. TIMBRE_RECORDING_DAYS.
               */
              expiresAt: string | null;
            }[];
            /** @description `cursor` of the next page; null on the last one. */
            nextCursor: string | null;
          };
        };
      };
    };
  };
  removeRecordings: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description How many there were. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * @description Recordings whose audio was kept.
             * @example 3
             */
            removed: number;
          };
        };
      };
    };
  };
  getRecording: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
        enrollmentId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Its bytes. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/octet-stream': Upload;
        };
      };
    };
  };
  getGroupKeeping: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description What is set. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @example household-7 */
            group: string;
            /**
             * @description Null: as other groups of the speaker say, one that says off before all others, else TIMBRE_KEEP_RECORDINGS.
             * @enum {string|null}
             */
            setting: 'on' | 'off' | null;
          };
        };
      };
    };
  };
  setGroupKeeping: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /**
           * @description Null: as other groups of the speaker say, one that says off before all others, else TIMBRE_KEEP_RECORDINGS.
           * @enum {string|null}
           */
          setting: 'on' | 'off' | null;
        };
      };
    };
    responses: {
      /** @description What is set now. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @example household-7 */
            group: string;
            /**
             * @description Null: as other groups of the speaker say, one that says off before all others, else TIMBRE_KEEP_RECORDINGS.
             * @enum {string|null}
             */
            setting: 'on' | 'off' | null;
          };
        };
      };
    };
  };
  getReEmbedding: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The last one, whatever became of it. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @description The one that runs, or was the last; null before the first. */
            run: {
              /** Format: uuid */
              id: string;
              /**
               * @description cancelled, failed: who was switched until then stays so, and vectors of other models stay.
               * @enum {string}
               */
              state: 'running' | 'completed' | 'failed' | 'cancelled';
              /**
               * @description That it was begun with.
               * @example starter@0123456789ab
               */
              model: string;
              by: string;
              /** Format: date-time */
              createdAt: string;
              /** Format: date-time */
              finishedAt: string | null;
              /**
               * @description embedding: people switch one by one. removing: everybody was passed, and vectors of other models go.
               * @enum {string}
               */
              phase: 'embedding' | 'removing';
              /** @description With kept recordings, when it began. */
              people: number;
              /** @description Of them, those whose kept recordings are all embedded by the model. */
              done: number;
              /** @description Those of whom something could not be embedded. */
              failed: number;
              /** @description Embedded. */
              recordings: number;
              /** @description Vectors of other models that went. */
              removed: number;
              /** @description Why it ended without being done: another model was loaded. */
              error: {
                /** @example MODEL_MISMATCH */
                code: string;
                message: string;
              } | null;
            } | null;
            /** @description `/v1/models/current/re-embed/people` lists them as they are now. */
            left: {
              /** @description Who has enrolled recordings that the model has not embedded. */
              people: number;
              /** @description Of them, those of whose such recordings none is kept. */
              withoutAudio: number;
              /**
               * Format: date-time
               * @description When all were counted: while one runs, at its beginning, and since then less by everybody whom it has switched; otherwise a minute ago at most, or longer where counting takes seconds.
               */
              countedAt: string;
            };
            /** @description Audio that is kept. */
            kept: {
              recordings: number;
              bytes: number;
              /** @description As of `left.countedAt`. */
              people: number;
            };
          };
        };
      };
    };
  };
  startReEmbedding: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The one that runs. */
      202: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @description The one that runs, or was the last; null before the first. */
            run: {
              /** Format: uuid */
              id: string;
              /**
               * @description cancelled, failed: who was switched until then stays so, and vectors of other models stay.
               * @enum {string}
               */
              state: 'running' | 'completed' | 'failed' | 'cancelled';
              /**
               * @description That it was begun with.
               * @example starter@0123456789ab
               */
              model: string;
              by: string;
              /** Format: date-time */
              createdAt: string;
              /** Format: date-time */
              finishedAt: string | null;
              /**
               * @description embedding: people switch one by one. removing: everybody was passed, and vectors of other models go.
               * @enum {string}
               */
              phase: 'embedding' | 'removing';
              /** @description With kept recordings, when it began. */
              people: number;
              /** @description Of them, those whose kept recordings are all embedded by the model. */
              done: number;
              /** @description Those of whom something could not be embedded. */
              failed: number;
              /** @description Embedded. */
              recordings: number;
              /** @description Vectors of other models that went. */
              removed: number;
              /** @description Why it ended without being done: another model was loaded. */
              error: {
                /** @example MODEL_MISMATCH */
                code: string;
                message: string;
              } | null;
            } | null;
            /** @description `/v1/models/current/re-embed/people` lists them as they are now. */
            left: {
              /** @description Who has enrolled recordings that the model has not embedded. */
              people: number;
              /** @description Of them, those of whose such recordings none is kept. */
              withoutAudio: number;
              /**
               * Format: date-time
               * @description When all were counted: while one runs, at its beginning, and since then less by everybody whom it has switched; otherwise a minute ago at most, or longer where counting takes seconds.
               */
              countedAt: string;
            };
            /** @description Audio that is kept. */
            kept: {
              recordings: number;
              bytes: number;
              /** @description As of `left.countedAt`. */
              people: number;
            };
          };
        };
      };
    };
  };
  listReEmbeddingPeople: {
    parameters: {
      query?: {
        /** @description People on the page. */
        limit?: number;
        /** @description `nextCursor` of the page before. */
        cursor?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description In the order of ids; also without any run. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            people: {
              /** @example ada */
              speakerId: string;
              /** @description Enrolled recordings that the model has not embedded. */
              recordings: number;
              /** @description Of them, those whose audio is kept. */
              audioKept: number;
              /** @description Whether other recordings make the speaker Enrolled for the model. */
              enrolled: boolean;
              /**
               * @description NO_AUDIO: no recording is kept. WAITING: nobody has tried yet. Otherwise the code of the error, as of the recording or its consent.
               * @example NO_AUDIO
               */
              reason: string;
            }[];
            /** @description `cursor` of the next page; null on the last one. */
            nextCursor: string | null;
          };
        };
      };
    };
  };
  cancelReEmbedding: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The last one. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @description The one that runs, or was the last; null before the first. */
            run: {
              /** Format: uuid */
              id: string;
              /**
               * @description cancelled, failed: who was switched until then stays so, and vectors of other models stay.
               * @enum {string}
               */
              state: 'running' | 'completed' | 'failed' | 'cancelled';
              /**
               * @description That it was begun with.
               * @example starter@0123456789ab
               */
              model: string;
              by: string;
              /** Format: date-time */
              createdAt: string;
              /** Format: date-time */
              finishedAt: string | null;
              /**
               * @description embedding: people switch one by one. removing: everybody was passed, and vectors of other models go.
               * @enum {string}
               */
              phase: 'embedding' | 'removing';
              /** @description With kept recordings, when it began. */
              people: number;
              /** @description Of them, those whose kept recordings are all embedded by the model. */
              done: number;
              /** @description Those of whom something could not be embedded. */
              failed: number;
              /** @description Embedded. */
              recordings: number;
              /** @description Vectors of other models that went. */
              removed: number;
              /** @description Why it ended without being done: another model was loaded. */
              error: {
                /** @example MODEL_MISMATCH */
                code: string;
                message: string;
              } | null;
            } | null;
            /** @description `/v1/models/current/re-embed/people` lists them as they are now. */
            left: {
              /** @description Who has enrolled recordings that the model has not embedded. */
              people: number;
              /** @description Of them, those of whose such recordings none is kept. */
              withoutAudio: number;
              /**
               * Format: date-time
               * @description When all were counted: while one runs, at its beginning, and since then less by everybody whom it has switched; otherwise a minute ago at most, or longer where counting takes seconds.
               */
              countedAt: string;
            };
            /** @description Audio that is kept. */
            kept: {
              recordings: number;
              bytes: number;
              /** @description As of `left.countedAt`. */
              people: number;
            };
          };
        };
      };
    };
  };
  exportSpeaker: {
    parameters: {
      query?: {
        /** @description Whether to give the voice embeddings too: whoever has them can recognise the voice. */
        vectors?: 'true' | 'false';
      };
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The export. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @enum {string} */
            format: 'timbre-subject-export/5';
            /** Format: date-time */
            exportedAt: string;
            speaker: {
              /** @example ada */
              id: string;
              /**
               * Format: uuid
               * @description The audit trail's name for the speaker, which outlives the speaker.
               */
              subject: string;
              /** @example Ada Lovelace */
              name: string | null;
              /** Format: date-time */
              createdAt: string;
              /** Format: date-time */
              updatedAt: string;
              version: number;
              /** @description Ids of the groups that the speaker belongs to. */
              groups: string[];
              metadata: {
                [key: string]: string;
              };
              /**
               * Format: date-time
               * @description Last verification or identification.
               */
              lastUsedAt: string | null;
              /**
               * @description Whether the profile learns; null: nothing is set.
               * @enum {string|null}
               */
              learning: 'on' | 'off' | null;
              /**
               * Format: date-time
               * @description Since when it learns nothing, whatever is set.
               */
              frozenAt: string | null;
            };
            consent: {
              /** @example ada */
              speakerId: string;
              /**
               * @description NOT_RECORDED: nobody said anything. GIVEN: the speaker may be enrolled and matched. WITHDRAWN: the speaker has opted out and is neither, until a new consent is recorded.
               * @example GIVEN
               * @enum {string}
               */
              status: 'NOT_RECORDED' | 'GIVEN' | 'WITHDRAWN';
              /** @description Whether this service enrols nobody without a consent. */
              required: boolean;
              /** @description The last one that was given, also after it was withdrawn. */
              consent: {
                /**
                 * @description Who gave it: the speaker, or who may speak for them; 200 characters at most.
                 * @example Ada Lovelace
                 */
                givenBy: string;
                /**
                 * @description How it was given; 200 characters at most.
                 * @example signed form
                 */
                method: string;
                /**
                 * @description Which text was agreed to; 100 characters at most.
                 * @example privacy-2026-03
                 */
                textVersion: string;
                /** Format: date-time */
                givenAt: string;
                /** Format: date-time */
                recordedAt: string;
              } | null;
              /** Format: date-time */
              withdrawnAt: string | null;
            };
            /** @description Every consent that was recorded, oldest first. */
            consents: {
              /**
               * @description Who gave it: the speaker, or who may speak for them; 200 characters at most.
               * @example Ada Lovelace
               */
              givenBy: string;
              /**
               * @description How it was given; 200 characters at most.
               * @example signed form
               */
              method: string;
              /**
               * @description Which text was agreed to; 100 characters at most.
               * @example privacy-2026-03
               */
              textVersion: string;
              /** Format: date-time */
              givenAt: string;
              /** Format: date-time */
              recordedAt: string;
              /**
               * Format: date-time
               * @description Null where it was not withdrawn.
               */
              withdrawnAt: string | null;
            }[];
            audio: {
              /** @description Whether any recording is kept as audio: `recordings` says which. */
              kept: boolean;
              note: string;
            };
            /** @description Recordings whose audio is kept, oldest first. */
            recordings: {
              sha256: string;
              bytes: number;
              /** Format: date-time */
              keptAt: string;
              /**
               * Format: date-time
               * @description After which retention removes the audio.
               */
              expiresAt: string | null;
              /**
               * @description Where its bytes are, for keys of the scopes `admin` and `vectors`; null where no enrolment is of it.
               * @example /v1/speakers/ada/enrollments/3f6b0a52-6d0f-4a27-9c57-1f0d5c2b7a10/audio
               */
              path: string | null;
            }[];
            enrollments: {
              /** Format: uuid */
              id: string;
              /** Format: date-time */
              createdAt: string;
              /** @example ada-1.wav */
              filename: string | null;
              /** @description Of the file: the same file twice is one recording. */
              sha256: string;
              /** @description That made the embedding. */
              model: string;
              audio: {
                seconds: number;
                sampleRate: number;
                channels: number;
              };
              speech: {
                /** @description Net speech. */
                seconds: number;
              };
              quality: {
                /**
                 * @description GOOD: clean wide-band speech; FAIR: accepted all the same; POOR: not accepted.
                 * @enum {string}
                 */
                label: 'GOOD' | 'FAIR' | 'POOR';
                snrDb: number | null;
                clippedShare: number;
                bandwidthHz: number;
                levelDb: number;
              };
              /** @description Whether the recording is good enough to count. */
              accepted: boolean;
              /** @description Why it is not accepted. */
              reasons: ('TOO_LITTLE_SPEECH' | 'TOO_NOISY' | 'CLIPPED' | 'NARROW_BAND')[];
              /**
               * @description With TOO_LITTLE_SPEECH: seconds of speech that it lacks to count; else null.
               * @example 0.6
               */
              missingSpeechSeconds: number | null;
              /** @description Cosine with the mean of the speaker's other recordings; null where there is none to compare with. */
              agreement: number | null;
              /** @description Set aside: it does not sound like the others. */
              outlier: boolean;
              /**
               * @description enrolled: by a call of this list. imported: a vector that was made elsewhere; what was not measured then is 0. named: the voice of a conversation that somebody named; its speech alone was measured. learned: verified with strong evidence. confirmed: verified, and confirmed by a call.
               * @enum {string}
               */
              origin: 'enrolled' | 'imported' | 'named' | 'learned' | 'confirmed';
              /** @description Whether the audio is kept, so that another model can embed it. */
              audioKept: boolean;
              /**
               * @description Why it does not count though it is kept: replaced by another recording that was learned, or merged into another speaker who has it too. Null where it is not set aside.
               * @enum {string|null}
               */
              setAside: 'replaced' | 'merged' | null;
              frontEnd: string;
              /** @description As the model gave it; only where it was asked for. */
              embedding?: number[] | null;
            }[];
            /** @description One for every model that the speaker was enrolled with. */
            profiles: {
              model: string;
              frontEnd: string;
              /** @enum {string} */
              enrollmentStatus: 'Enrolling' | 'Enrolled';
              speechLengthInSec: number;
              confidence: number;
              cohesion: number | null;
              /** Format: date-time */
              updatedAt: string;
              /** @description The centroid, of unit length; only where it was asked for. */
              embedding?: number[] | null;
            }[];
            /** @description Verifications whose voice vector waits to be confirmed. */
            waiting: {
              /** Format: uuid */
              id: string;
              /** Format: date-time */
              createdAt: string;
              model: string;
            }[];
            /** @description Every change of the profile, newest first. */
            ledger: {
              /** Format: uuid */
              id: string;
              /** Format: date-time */
              at: string;
              /** @description Who did it, as in the audit trail; null for a key that is bound to groups where another did. */
              by: string | null;
              /**
               * @description enrolled, imported, deleted: a recording, by a call. named: a voice of a conversation that was named. learned, confirmed: a recording that was verified. merged, split-off: recordings came from the other speaker; merged-away, split: they went to the other one. frozen, unfrozen: the profile learns nothing, or may again.
               * @enum {string}
               */
              action:
                | 'enrolled'
                | 'imported'
                | 'named'
                | 'deleted'
                | 're-embedded'
                | 'learned'
                | 'confirmed'
                | 'merged'
                | 'merged-away'
                | 'split'
                | 'split-off'
                | 'frozen'
                | 'unfrozen';
              /**
               * @description CALLED: somebody called for it. HIGH_EVIDENCE: the evidence reached the threshold of learning.
               * @enum {string}
               */
              reason: 'CALLED' | 'HIGH_EVIDENCE' | 'CONFIRMED';
              /** @description Of the recording; null where it is of none or several. */
              model: string | null;
              /**
               * Format: uuid
               * @description The recording, in the list of enrolments while it is there.
               */
              enrollmentId: string | null;
              /** Format: uuid */
              verificationId: string | null;
              /** @description With the profile as it was then; null where nothing was compared. */
              evidence: {
                cosine: number;
                llr: number | null;
                /** @description The cosine that had to be reached; null: it was confirmed. */
                threshold: number | null;
                falseAcceptRate: number | null;
              } | null;
              /** @description Learned recordings that do not count any more because of it. */
              replaced: string[];
              /** @description Of a merge or a split; null where there is none, or none whom the caller may see. */
              otherSpeakerId: string | null;
              /** @description Recordings that changed hands. */
              recordings: string[];
              /** @description It is of a kind that can be undone, and was not. */
              undoable: boolean;
              /** Format: date-time */
              undoneAt: string | null;
            }[];
            /** @description Recordings of jobs, whatever became of them. The uploads of those that wait are kept until then; finished jobs are removed after a while. */
            jobs: {
              /** @description Position in the job, from 0. */
              index: number;
              /**
               * @description Null once the speaker was erased, and of a conversation.
               * @example ada
               */
              speakerId: string | null;
              /** @description The conversation that the recording is; null of a recording of one speaker. */
              conversationId: string | null;
              /** @example 1.wav */
              filename: string | null;
              /** @description As it was given, from the root where it was relative; null for an upload. */
              path: string | null;
              /** @enum {string} */
              state: 'queued' | 'done' | 'failed' | 'cancelled';
              /**
               * @example {
               *       "enrollmentId": "5a1f3c0c-77d4-4f0c-8a43-0c1f2b9e6d20",
               *       "duplicate": false,
               *       "accepted": true
               *     }
               */
              result: {
                enrollmentId: string;
                /** @description The speaker had this very file already; nothing was added. */
                duplicate: boolean;
                /** @description Whether the recording is good enough to count. */
                accepted: boolean;
              } | null;
              /** @description Why it failed; other recordings are not touched. */
              error: {
                code: string;
                message: string;
              } | null;
              /** Format: date-time */
              settledAt: string | null;
              /** Format: uuid */
              jobId: string;
            }[];
            /** @description Conversations that tell of the speaker, one for each voice. */
            conversations: {
              /** Format: uuid */
              id: string;
              /** @enum {string} */
              state: 'waiting' | 'done' | 'failed' | 'cancelled';
              /** Format: date-time */
              createdAt: string;
              /** Format: date-time */
              finishedAt: string | null;
              filename: string | null;
              /** @description Null while it waits: the speaker is one of those who may be named. */
              heard: {
                /** @description Of the voice. */
                label: string;
                /** @description Whether the voice was given the name, or was only nearest to it. */
                named: boolean;
                cosine: number;
                llr: number | null;
                probability: number | null;
                margin: number | null;
                speechSeconds: number;
                turns: {
                  start: number;
                  end: number;
                  overlap: number;
                }[];
              } | null;
            }[];
            /** @description Voices of conversations that somebody named as the speaker, and where they were heard. Each has a voice vector. */
            unknownVoices: {
              /** Format: uuid */
              id: string;
              /** Format: date-time */
              createdAt: string;
              model: string;
              heard: {
                /** Format: uuid */
                conversationId: string;
                label: string;
                /** Format: date-time */
                heardAt: string;
                ownSeconds: number;
                intervals: {
                  start: number;
                  end: number;
                }[];
              }[];
            }[];
            /** @description Everything that was done to the speaker, oldest first. */
            audit: {
              /**
               * @description Counts up.
               * @example 4711
               */
              id: number;
              /** Format: date-time */
              at: string;
              /**
               * @description Id of the API key; `local` where none was asked for; `retention` for what grew old.
               * @example local
               */
              by: string;
              /**
               * @example enrollment.added
               * @enum {string}
               */
              action:
                | 'speaker.created'
                | 'speaker.renamed'
                | 'speaker.described'
                | 'speaker.erased'
                | 'speaker.erasure-announced'
                | 'speaker.exported'
                | 'vectors.exported'
                | 'group.created'
                | 'group.renamed'
                | 'group.deleted'
                | 'group.joined'
                | 'group.left'
                | 'consent.given'
                | 'consent.withdrawn'
                | 'consent.lifted'
                | 'enrollment.added'
                | 'enrollment.deleted'
                | 'enrollment.refused'
                | 'enrollments.compared'
                | 'recording.kept'
                | 'recording.exported'
                | 'recordings.removed'
                | 'keeping.set'
                | 'profile.re-embedded'
                | 're-embedding.started'
                | 're-embedding.cancelled'
                | 're-embedding.finished'
                | 'profile.learned'
                | 'profile.undone'
                | 'profile.frozen'
                | 'profile.unfrozen'
                | 'learning.set'
                | 'watch.set'
                | 'watch.ended'
                | 'watch.matched'
                | 'speaker.merged'
                | 'speaker.split'
                | 'voice.verified'
                | 'voice.identified'
                | 'voice.named'
                | 'key.created'
                | 'key.revoked'
                | 'session.opened'
                | 'session.ended'
                | 'job.created'
                | 'job.cancelled'
                | 'job.removed'
                | 'webhook.created'
                | 'webhook.removed'
                | 'calibration.saved'
                | 'calibration.used'
                | 'calibration.ended'
                | 'calibration.removed'
                | 'conversation.created'
                | 'conversation.erased'
                | 'unknown-voice.kept'
                | 'unknown-voice.joined'
                | 'unknown-voice.named'
                | 'unknown-voice.merged'
                | 'unknown-voice.split'
                | 'unknown-voice.reassigned'
                | 'unknown-voice.dismissed'
                | 'unknown-voice.blocked'
                | 'unknown-voice.deleted'
                | 'unknown-voice.undone'
                | 'data-key.rotated'
                | 'data.restore-acknowledged'
                | 'data.node-joined'
                | 'data.moved'
                | 'audit.trimmed'
                | 'retention.confirmed';
              /**
               * @description Whom it was done to, by a UUID that nothing can be learnt from; null where it was nobody.
               * @example 3f6b0a52-6d0f-4a27-9c57-1f0d5c2b7a10
               */
              subject: string | null;
              /**
               * @description The id of that speaker; null once the speaker is erased.
               * @example ada
               */
              speakerId: string | null;
              /** @description What else it was done to: an enrolment, a key, a job; the version of a calibration. */
              object: string | null;
              /**
               * @description `OK`, a decision, or the code of an error.
               * @example OK
               */
              outcome: string;
              requestId: string | null;
            }[];
          };
        };
      };
    };
  };
  getRetention: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The state now. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * @description paused: the clock has left the last heartbeat by far, and nothing goes by age until it is confirmed.
             * @enum {string}
             */
            state: 'running' | 'paused';
            /**
             * Format: date-time
             * @description When the service last found the clock right.
             */
            heartbeat: string | null;
            /**
             * Format: date-time
             * @description The service's clock.
             */
            now: string;
          };
        };
      };
    };
  };
  confirmClock: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The state now. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * @description paused: the clock has left the last heartbeat by far, and nothing goes by age until it is confirmed.
             * @enum {string}
             */
            state: 'running' | 'paused';
            /**
             * Format: date-time
             * @description When the service last found the clock right.
             */
            heartbeat: string | null;
            /**
             * Format: date-time
             * @description The service's clock.
             */
            now: string;
          };
        };
      };
    };
  };
  getDataKeyRotation: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The state now. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * @description `failed`: it stopped for the reason in `failure`; starting it again goes on from there.
             * @example running
             * @enum {string}
             */
            state: 'idle' | 'running' | 'failed';
            /**
             * @description Vectors under the current key.
             * @example 1200
             */
            done: number;
            /**
             * @description All vectors.
             * @example 5000
             */
            total: number;
            /**
             * @description Data keys in use: 1, or more until a rotation is finished.
             * @example 2
             */
            keys: number;
            /**
             * Format: date-time
             * @description Since the service started.
             */
            finishedAt: string | null;
            failure: string | null;
          };
        };
      };
    };
  };
  rotateDataKey: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It runs. */
      202: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * @description `failed`: it stopped for the reason in `failure`; starting it again goes on from there.
             * @example running
             * @enum {string}
             */
            state: 'idle' | 'running' | 'failed';
            /**
             * @description Vectors under the current key.
             * @example 1200
             */
            done: number;
            /**
             * @description All vectors.
             * @example 5000
             */
            total: number;
            /**
             * @description Data keys in use: 1, or more until a rotation is finished.
             * @example 2
             */
            keys: number;
            /**
             * Format: date-time
             * @description Since the service started.
             */
            finishedAt: string | null;
            failure: string | null;
          };
        };
      };
    };
  };
  createTrainingSession: {
    parameters: {
      query?: never;
      header?: {
        /** @description Makes the call safe to repeat: for 24 hours the same request with the same key has no further effect and gets the first answer, with the header `idempotency-replayed: true`; another request with it is refused. Keys are the client's own, by its API key. An answer that is an error is not kept. */
        'Idempotency-Key'?: string;
      };
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'multipart/form-data': {
          audio: Upload[];
          /**
           * @description JSON: a list with one `{ "speakerId", "name"?, "consent"? }` for each recording, in the order of the uploads.
           * @example [{"speakerId":"ada","name":"Ada Lovelace"},{"speakerId":"ada"}]
           */
          items: string;
          /**
           * @description Whether speakers who are not there are added, at once; otherwise their recordings fail.
           * @default false
           * @enum {string}
           */
          createSpeakers?: 'true' | 'false';
          /**
           * @description JSON: `{ "method", "textVersion", "givenBy"?, "givenAt"? }`. A consent of every speaker of the session who has none recorded; one of an item comes first. Speakers who have withdrawn theirs stay out.
           * @example {"method":"signed form","textVersion":"privacy-2026-03"}
           */
          consent?: string;
        };
        'application/json': {
          /**
           * @description Whether speakers who are not there are added, at once; otherwise their recordings fail.
           * @default false
           */
          createSpeakers?: boolean;
          /** @description A consent of every speaker of the session who has none recorded; one of an item comes first. Speakers who have withdrawn theirs stay out. */
          consent?: {
            /**
             * @description Who gave it: the speaker, or who may speak for them; 200 characters at most. Left out, the speaker.
             * @example Ada Lovelace
             */
            givenBy?: string;
            /**
             * @description How it was given; 200 characters at most.
             * @example signed form
             */
            method: string;
            /**
             * @description Which text was agreed to; 100 characters at most.
             * @example privacy-2026-03
             */
            textVersion: string;
            /**
             * Format: date-time
             * @description When it was given; left out, now.
             * @example 2026-03-01T09:30:00Z
             */
            givenAt?: string;
          };
          /** @description The recordings; TIMBRE_MAX_JOB_ITEMS bounds how many. */
          items: {
            /**
             * @description The speaker's id, as of POST /v1/speakers; 128 characters at most.
             * @example ada
             */
            speakerId: string;
            /**
             * @description Name of a speaker who is added, 200 characters at most.
             * @example Ada Lovelace
             */
            name?: string | null;
            /** @description The speaker's consent, recorded where there is none; the first of a speaker's items counts. */
            consent?: {
              /**
               * @description Who gave it: the speaker, or who may speak for them; 200 characters at most. Left out, the speaker.
               * @example Ada Lovelace
               */
              givenBy?: string;
              /**
               * @description How it was given; 200 characters at most.
               * @example signed form
               */
              method: string;
              /**
               * @description Which text was agreed to; 100 characters at most.
               * @example privacy-2026-03
               */
              textVersion: string;
              /**
               * Format: date-time
               * @description When it was given; left out, now.
               * @example 2026-03-01T09:30:00Z
               */
              givenAt?: string;
            };
            /**
             * @description A file of the machine the service runs on, below its AUDIO_ROOTS.
             * @example /srv/recordings/ada/1.wav
             */
            path: string;
          }[];
        };
      };
    };
    responses: {
      /** @description The job; its address is in the header `location`. */
      202: {
        headers: {
          /** @description `/v1/jobs/<id>` */
          location?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * Format: uuid
             * @example 0b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11
             */
            id: string;
            /**
             * @description completed: every recording has an outcome; failed: each of them is an error.
             * @enum {string}
             */
            state: 'queued' | 'running' | 'completed' | 'failed' | 'cancelled';
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            startedAt: string | null;
            /** Format: date-time */
            finishedAt: string | null;
            /**
             * @description Recordings.
             * @example {
             *       "total": 120,
             *       "waiting": 77,
             *       "done": 41,
             *       "failed": 2,
             *       "cancelled": 0
             *     }
             */
            counts: {
              total: number;
              waiting: number;
              done: number;
              failed: number;
              cancelled: number;
            };
            /**
             * @description At the pace of late, with the jobs before it; null where that is not known, after the end, and for a key that is bound to groups.
             * @example 31.5
             */
            secondsLeft: number | null;
          };
        };
      };
    };
  };
  listJobs: {
    parameters: {
      query?: {
        /** @description Jobs on the page. */
        limit?: number;
        /** @description `nextCursor` of the page before. */
        cursor?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description One page. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            jobs: {
              /**
               * Format: uuid
               * @example 0b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11
               */
              id: string;
              /**
               * @description completed: every recording has an outcome; failed: each of them is an error.
               * @enum {string}
               */
              state: 'queued' | 'running' | 'completed' | 'failed' | 'cancelled';
              /** Format: date-time */
              createdAt: string;
              /** Format: date-time */
              startedAt: string | null;
              /** Format: date-time */
              finishedAt: string | null;
              /**
               * @description Recordings.
               * @example {
               *       "total": 120,
               *       "waiting": 77,
               *       "done": 41,
               *       "failed": 2,
               *       "cancelled": 0
               *     }
               */
              counts: {
                total: number;
                waiting: number;
                done: number;
                failed: number;
                cancelled: number;
              };
              /**
               * @description At the pace of late, with the jobs before it; null where that is not known, after the end, and for a key that is bound to groups.
               * @example 31.5
               */
              secondsLeft: number | null;
            }[];
            /** @description Of all pages. */
            total: number;
            /** @description `cursor` of the next page; null on the last one. */
            nextCursor: string | null;
          };
        };
      };
    };
  };
  getJob: {
    parameters: {
      query?: {
        /** @description Recordings on the page. */
        limit?: number;
        /** @description `nextCursor` of the page before. */
        cursor?: string;
        /** @description Only recordings of this state. */
        state?: 'queued' | 'done' | 'failed' | 'cancelled';
      };
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The job with a page of its recordings. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * Format: uuid
             * @example 0b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11
             */
            id: string;
            /**
             * @description completed: every recording has an outcome; failed: each of them is an error.
             * @enum {string}
             */
            state: 'queued' | 'running' | 'completed' | 'failed' | 'cancelled';
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            startedAt: string | null;
            /** Format: date-time */
            finishedAt: string | null;
            /**
             * @description Recordings.
             * @example {
             *       "total": 120,
             *       "waiting": 77,
             *       "done": 41,
             *       "failed": 2,
             *       "cancelled": 0
             *     }
             */
            counts: {
              total: number;
              waiting: number;
              done: number;
              failed: number;
              cancelled: number;
            };
            /**
             * @description At the pace of late, with the jobs before it; null where that is not known, after the end, and for a key that is bound to groups.
             * @example 31.5
             */
            secondsLeft: number | null;
            /** @description One page of the recordings, in their order. */
            items: {
              /** @description Position in the job, from 0. */
              index: number;
              /**
               * @description Null once the speaker was erased, and of a conversation.
               * @example ada
               */
              speakerId: string | null;
              /** @description The conversation that the recording is; null of a recording of one speaker. */
              conversationId: string | null;
              /** @example 1.wav */
              filename: string | null;
              /** @description As it was given, from the root where it was relative; null for an upload. */
              path: string | null;
              /** @enum {string} */
              state: 'queued' | 'done' | 'failed' | 'cancelled';
              /**
               * @example {
               *       "enrollmentId": "5a1f3c0c-77d4-4f0c-8a43-0c1f2b9e6d20",
               *       "duplicate": false,
               *       "accepted": true
               *     }
               */
              result: {
                enrollmentId: string;
                /** @description The speaker had this very file already; nothing was added. */
                duplicate: boolean;
                /** @description Whether the recording is good enough to count. */
                accepted: boolean;
              } | null;
              /** @description Why it failed; other recordings are not touched. */
              error: {
                code: string;
                message: string;
              } | null;
              /** Format: date-time */
              settledAt: string | null;
            }[];
            /** @description `cursor` of the next page; null on the last one. */
            nextCursor: string | null;
          };
        };
      };
    };
  };
  removeJob: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Removed. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
    };
  };
  cancelJob: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The job as it is now. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * Format: uuid
             * @example 0b2c6f0e-8f0b-4a57-9f5c-6f6a1d1b7c11
             */
            id: string;
            /**
             * @description completed: every recording has an outcome; failed: each of them is an error.
             * @enum {string}
             */
            state: 'queued' | 'running' | 'completed' | 'failed' | 'cancelled';
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            startedAt: string | null;
            /** Format: date-time */
            finishedAt: string | null;
            /**
             * @description Recordings.
             * @example {
             *       "total": 120,
             *       "waiting": 77,
             *       "done": 41,
             *       "failed": 2,
             *       "cancelled": 0
             *     }
             */
            counts: {
              total: number;
              waiting: number;
              done: number;
              failed: number;
              cancelled: number;
            };
            /**
             * @description At the pace of late, with the jobs before it; null where that is not known, after the end, and for a key that is bound to groups.
             * @example 31.5
             */
            secondsLeft: number | null;
          };
        };
      };
    };
  };
  followJob: {
    parameters: {
      query?: never;
      header?: {
        /** @description The last event that was seen: the stream goes on after it. */
        'Last-Event-ID'?: string;
      };
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The events. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'text/event-stream': string;
        };
      };
      /** @description The end was seen already: there is nothing to come back for. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
    };
  };
  listWebhooks: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description All of them. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            webhooks: {
              /**
               * Format: uuid
               * @example 5f0d9b6e-2c3b-4f6a-9a55-0b1f3c8d7e21
               */
              id: string;
              /** @description Null where the stored webhook cannot be read. */
              url: string | null;
              events: ('job.finished' | 'watch.matched' | 'webhook.test')[];
              /**
               * @description `gone`: the receiver answered 410; `unreadable`: changed or damaged in the database. Nothing is sent then.
               * @enum {string}
               */
              state: 'active' | 'gone' | 'unreadable';
              /** Format: date-time */
              createdAt: string;
            }[];
          };
        };
      };
    };
  };
  createWebhook: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /**
           * @description Where requests go: an address of https on a public host.
           * @example https://app.example/hooks/timbre
           */
          url: string;
          /**
           * @description `job.finished`: a job is completed, failed or cancelled. `watch.matched`: somebody of a watch list was heard.
           * @example [
           *       "job.finished"
           *     ]
           */
          events: ('job.finished' | 'watch.matched')[];
        };
      };
    };
    responses: {
      /** @description The webhook with its secret. */
      201: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * Format: uuid
             * @example 5f0d9b6e-2c3b-4f6a-9a55-0b1f3c8d7e21
             */
            id: string;
            /** @description Null where the stored webhook cannot be read. */
            url: string | null;
            events: ('job.finished' | 'watch.matched' | 'webhook.test')[];
            /**
             * @description `gone`: the receiver answered 410; `unreadable`: changed or damaged in the database. Nothing is sent then.
             * @enum {string}
             */
            state: 'active' | 'gone' | 'unreadable';
            /** Format: date-time */
            createdAt: string;
            /**
             * @description What signatures are made with. Shown this once.
             * @example whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=
             */
            secret: string;
          };
        };
      };
    };
  };
  getWebhook: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The webhook, without its secret. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * Format: uuid
             * @example 5f0d9b6e-2c3b-4f6a-9a55-0b1f3c8d7e21
             */
            id: string;
            /** @description Null where the stored webhook cannot be read. */
            url: string | null;
            events: ('job.finished' | 'watch.matched' | 'webhook.test')[];
            /**
             * @description `gone`: the receiver answered 410; `unreadable`: changed or damaged in the database. Nothing is sent then.
             * @enum {string}
             */
            state: 'active' | 'gone' | 'unreadable';
            /** Format: date-time */
            createdAt: string;
          };
        };
      };
    };
  };
  deleteWebhook: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It is gone. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
    };
  };
  testWebhook: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It is going to be sent. */
      202: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
    };
  };
  listWebhookDeliveries: {
    parameters: {
      query?: {
        /** @description Deliveries on the page. */
        limit?: number;
        /** @description `nextCursor` of the page before. */
        cursor?: string;
      };
      header?: never;
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description One page. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            deliveries: {
              /**
               * Format: uuid
               * @description `webhook-id` of the request, the same at every attempt.
               */
              id: string;
              /** @enum {string} */
              event: 'job.finished' | 'watch.matched' | 'webhook.test';
              /**
               * @description `waiting`: to be sent, or tried again at `nextAt`.
               * @enum {string}
               */
              state: 'waiting' | 'delivered' | 'failed';
              attempts: number;
              /** Format: date-time */
              createdAt: string;
              /** Format: date-time */
              attemptedAt: string | null;
              /** Format: date-time */
              nextAt: string | null;
              /** @description HTTP status of the last answer. */
              status: number | null;
              /** @description Why the last attempt failed. */
              error: string | null;
            }[];
            /** @description `cursor` of the next page; null on the last one. */
            nextCursor: string | null;
          };
        };
      };
    };
  };
  listCalibrations: {
    parameters: {
      query?: {
        /** @description Calibrations on the page. */
        limit?: number;
        /** @description `nextCursor` of the page before. */
        cursor?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description One page. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @description What decides; null until the model is loaded. */
            answers: {
              /**
               * @description `model`: the bundle's own; `file`: that of TIMBRE_CALIBRATION; `saved`: the version that is in use.
               * @enum {string}
               */
              from: 'model' | 'file' | 'saved';
              /** @description Of a saved one. */
              version: number | null;
            } | null;
            /**
             * @description The setting that names what decides, so that none is put to use.
             * @example TIMBRE_CALIBRATION
             */
            fixedBy: string | null;
            /** @description The version in use that cannot be used. */
            setAside: number | null;
            calibrations: {
              /**
               * @description Grows with each that is saved.
               * @example 3
               */
              version: number;
              /**
               * @description That it is for.
               * @example starter@0123456789ab
               */
              model: string;
              /**
               * @description `file`: what `timbre calibrate` wrote; `people`: who was enrolled; `trials`: scored trials.
               * @enum {string}
               */
              from: 'file' | 'people' | 'trials';
              note: string | null;
              /** @description Who saved it, as the audit trail names them. */
              by: string;
              /** Format: date-time */
              createdAt: string;
              /** @description For its model. */
              inUse: boolean;
              /**
               * Format: date-time
               * @description When it was put to use last.
               */
              usedAt: string | null;
              /** @description False where it was changed or damaged in the database: it cannot be used. */
              readable: boolean;
              /** @description By falling rate of false accepts. */
              thresholds: {
                falseAcceptRate: number;
                cosine: number | null;
                llr: number | null;
              }[];
              /** @description Trials and people that it was learned on, where it says so. */
              learnedOn: {
                targets: number;
                impostors: number;
                speakers: number;
              } | null;
            }[];
            /** @description `cursor` of the next page; null on the last one. */
            nextCursor: string | null;
          };
        };
      };
    };
  };
  saveCalibration: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': {
          /** @description What `timbre calibrate` writes, of the loaded model. */
          calibration: {
            [key: string]: unknown;
          };
          /**
           * @description For people; 500 characters at most, one line.
           * @example conference rooms, spring
           */
          note?: string | null;
          /**
           * @description `file`: what `timbre calibrate` wrote; `people`: who was enrolled; `trials`: scored trials.
           * @default file
           * @enum {string}
           */
          from?: 'file' | 'people' | 'trials';
          /**
           * @description Whether it is put to use at once.
           * @default false
           */
          use?: boolean;
        };
      };
    };
    responses: {
      /** @description The calibration with its version. */
      201: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * @description Grows with each that is saved.
             * @example 3
             */
            version: number;
            /**
             * @description That it is for.
             * @example starter@0123456789ab
             */
            model: string;
            /**
             * @description `file`: what `timbre calibrate` wrote; `people`: who was enrolled; `trials`: scored trials.
             * @enum {string}
             */
            from: 'file' | 'people' | 'trials';
            note: string | null;
            /** @description Who saved it, as the audit trail names them. */
            by: string;
            /** Format: date-time */
            createdAt: string;
            /** @description For its model. */
            inUse: boolean;
            /**
             * Format: date-time
             * @description When it was put to use last.
             */
            usedAt: string | null;
            /** @description False where it was changed or damaged in the database: it cannot be used. */
            readable: boolean;
            /** @description By falling rate of false accepts. */
            thresholds: {
              falseAcceptRate: number;
              cosine: number | null;
              llr: number | null;
            }[];
            /** @description Trials and people that it was learned on, where it says so. */
            learnedOn: {
              targets: number;
              impostors: number;
              speakers: number;
            } | null;
            /** @description As it was saved, without the vectors of a cohort; null where it cannot be read. */
            calibration: {
              [key: string]: unknown;
            } | null;
          };
        };
      };
    };
  };
  getEnrolledTrials: {
    parameters: {
      query?: {
        /** @description At most; where there are more, people are drawn without preference, the same each time. */
        recordings?: number;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The trials. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * @description That the recordings are of.
             * @example starter@0123456789ab
             */
            model: string;
            /**
             * @description Whose recordings were compared.
             * @example 24
             */
            people: number;
            /** @example 120 */
            recordings: number;
            /** @description Whether there are more recordings than these. */
            drawn: boolean;
            /** @description People who are left out because their records cannot be read. */
            unreadable: number;
            /** @description A column each, in one order. */
            trials: {
              /** @description 1: the same person, 0: different people. */
              labels: (0 | 1)[];
              /** @description Cosines. */
              scores: number[];
              /** @description Of speech, of all recordings of the profile. */
              enrolmentSeconds: number[];
              /** @description Of speech, of the recording. */
              testSeconds: number[];
              /** @description That the profile is the mean of. */
              recordings: number[];
              /** @description Whose profile it is: a number that means nothing elsewhere. */
              enrolmentSpeakers: number[];
              /** @description Whose recording it is, by the same numbers. */
              testSpeakers: number[];
            };
          };
        };
      };
    };
  };
  getCalibration: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        version: number;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The calibration. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * @description Grows with each that is saved.
             * @example 3
             */
            version: number;
            /**
             * @description That it is for.
             * @example starter@0123456789ab
             */
            model: string;
            /**
             * @description `file`: what `timbre calibrate` wrote; `people`: who was enrolled; `trials`: scored trials.
             * @enum {string}
             */
            from: 'file' | 'people' | 'trials';
            note: string | null;
            /** @description Who saved it, as the audit trail names them. */
            by: string;
            /** Format: date-time */
            createdAt: string;
            /** @description For its model. */
            inUse: boolean;
            /**
             * Format: date-time
             * @description When it was put to use last.
             */
            usedAt: string | null;
            /** @description False where it was changed or damaged in the database: it cannot be used. */
            readable: boolean;
            /** @description By falling rate of false accepts. */
            thresholds: {
              falseAcceptRate: number;
              cosine: number | null;
              llr: number | null;
            }[];
            /** @description Trials and people that it was learned on, where it says so. */
            learnedOn: {
              targets: number;
              impostors: number;
              speakers: number;
            } | null;
            /** @description As it was saved, without the vectors of a cohort; null where it cannot be read. */
            calibration: {
              [key: string]: unknown;
            } | null;
          };
        };
      };
    };
  };
  deleteCalibration: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        version: number;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It is gone. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
    };
  };
  useModelCalibration: {
    parameters: {
      query?: {
        /** @description Of which model; default: the one that is loaded. */
        model?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description What decides now. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /** @description What decides; null until the model is loaded. */
            answers: {
              /**
               * @description `model`: the bundle's own; `file`: that of TIMBRE_CALIBRATION; `saved`: the version that is in use.
               * @enum {string}
               */
              from: 'model' | 'file' | 'saved';
              /** @description Of a saved one. */
              version: number | null;
            } | null;
            /**
             * @description The setting that names what decides, so that none is put to use.
             * @example TIMBRE_CALIBRATION
             */
            fixedBy: string | null;
            /** @description The version in use that cannot be used. */
            setAside: number | null;
          };
        };
      };
    };
  };
  useCalibration: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        version: number;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The calibration. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': {
            /**
             * @description Grows with each that is saved.
             * @example 3
             */
            version: number;
            /**
             * @description That it is for.
             * @example starter@0123456789ab
             */
            model: string;
            /**
             * @description `file`: what `timbre calibrate` wrote; `people`: who was enrolled; `trials`: scored trials.
             * @enum {string}
             */
            from: 'file' | 'people' | 'trials';
            note: string | null;
            /** @description Who saved it, as the audit trail names them. */
            by: string;
            /** Format: date-time */
            createdAt: string;
            /** @description For its model. */
            inUse: boolean;
            /**
             * Format: date-time
             * @description When it was put to use last.
             */
            usedAt: string | null;
            /** @description False where it was changed or damaged in the database: it cannot be used. */
            readable: boolean;
            /** @description By falling rate of false accepts. */
            thresholds: {
              falseAcceptRate: number;
              cosine: number | null;
              llr: number | null;
            }[];
            /** @description Trials and people that it was learned on, where it says so. */
            learnedOn: {
              targets: number;
              impostors: number;
              speakers: number;
            } | null;
            /** @description As it was saved, without the vectors of a cohort; null where it cannot be read. */
            calibration: {
              [key: string]: unknown;
            } | null;
          };
        };
      };
    };
  };
}
