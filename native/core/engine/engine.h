#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "audio/audio.h"
#include "bundle/identity.h"
#include "bundle/model.h"
#include "conversation/diariser.h"
#include "engine/admission.h"
#include "features/front_end.h"
#include "isolation/contained_decoder.h"
#include "speech/speech.h"
#include "support/interrupt.h"
#include "support/result.h"

namespace timbre {

struct EngineOptions {
  std::size_t workers = 1;  ///< threads; one utterance each on a CPU, front-end threads on CUDA
  AdmissionLimits admission;
  std::size_t max_batch = 32;  ///< utterances in one forward call where the model batches
  AudioLimits limits;
  Isolation isolation = Isolation::kNone;  ///< of what decodes; with kProcess every worker has a process beside it
};

/// A part of a recording, seconds.
struct AudioInterval {
  double start = 0;
  double end = 0;
};

struct EmbedRequest {
  AudioSource source;
  AudioSelection selection = {};
  bool allow_silence = false;                 ///< embed digital silence instead of answering NO_SPEECH
  std::optional<bundle::Pauses> pauses = {};  ///< none: as the bundle says; `cut` is refused where it has no rule
  std::vector<AudioInterval> intervals = {};  ///< in order and apart: embed these parts alone, joined; none: all
  double cut_seconds = 0;                     ///< above 0: embed only so much from the middle of a longer recording
  std::optional<Clock::time_point> deadline;
};

/// Wall-clock seconds of one job's stages.
struct Timings {
  double queue = 0;  ///< waiting for a worker, and for working memory
  double decode = 0;
  double resample = 0;
  double speech = 0;
  double features = 0;
  double model = 0;
  double total = 0;
};

struct EmbedResult {
  bundle::Embedding embedding;
  AudioInfo audio;
  SpeechReport speech;                           ///< of the recording with all its pauses; 0 s of speech is no error
  double embedded_seconds = 0;                   ///< what the model was given
  bundle::Pauses pauses = bundle::Pauses::keep;  ///< the way it was embedded
  Timings timings;
};

struct ConversationRequest {
  AudioSource source;
  AudioSelection selection = {};
  conversation::SpeakerCounts counts;
  double max_seconds = 0;         ///< of the recording, in place of the engine's limit
  conversation::Segment segment;  ///< of the segmentation network that is to be used; what it holds lives with the job
  /// Seconds that are worked off, and how many there are in all, 0 where the header does not say. From the job's
  /// thread; must not block and must not throw.
  std::function<void(double done, double total)> progress = {};
  std::optional<Clock::time_point> deadline;
};

struct ConversationResult {
  conversation::Conversation conversation;
  AudioInfo audio;
  Timings timings;  ///< `model`: segmentation, embedding and all that follows; `decode` and `resample` as always
};

/// What an engine has done since it was made, and what it holds now.
struct EngineStats {
  std::uint64_t submitted = 0;
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
  std::uint64_t aborted = 0;  ///< cancelled, past their deadline, or failed by close
  std::uint64_t batches = 0;  ///< forward calls
  std::size_t queued = 0;
  std::size_t running = 0;
  AdmissionUse admission;
  double audio_seconds = 0;  ///< of completed jobs
  Timings seconds;           ///< sums over completed jobs
};

class Scheduler;

/// Recordings in, embeddings out, on the engine's own threads. The one public face of the core.
///
/// Every call is safe from any thread, for as long as the engine lives. A job's callback runs exactly once, on an
/// engine thread or on the thread that cancels, closes or destroys, never under a lock; it may call the engine, must
/// not block and must not throw. What the callback holds may be the engine's last owner.
///
/// A job stops within one tile of the network once it is cancelled, past its deadline, or
/// its engine is closed. A batch that a device has begun is finished.
class Engine {
 public:
  using JobId = std::uint64_t;
  using Callback = std::function<void(Result<EmbedResult>)>;
  using ConversationCallback = std::function<void(Result<ConversationResult>)>;

  /// What is known of a recording before it is copied.
  struct Announced {
    std::uint64_t bytes = 0;  ///< of memory that its copy takes; 0 for a path
    bool encoded = true;      ///< as a file is, not samples
    double seconds = 0;       ///< 0: not known before it is decoded
  };
  static Announced announce(const EmbedRequest& request);
  static Announced announce(const AudioSource& source);
  static Announced announce_samples(std::size_t count, int sample_rate);

  /// Errors: INVALID_ARGUMENT, MODEL_INVALID of the front end, OVERLOADED when the system has no more threads,
  /// OUT_OF_MEMORY; those of ContainedDecoder::start(), which is tried out.
  static Result<std::unique_ptr<Engine>> create(std::unique_ptr<const bundle::Model> model,
                                                const EngineOptions& options);

  /// Closes and joins; from a callback it cannot join, and the threads end on their own soon after.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// A place for a recording, which is to be copied only then. Decides at once.
  /// Errors: OVERLOADED, ENGINE_CLOSED, AUDIO_TOO_LARGE, AUDIO_TOO_LONG.
  Result<Admission::Place> admit(const Announced& recording);

  /// Whether admit() would give an input of so many bytes a place now.
  bool has_room(std::uint64_t bytes) const;

  /// Takes on an admitted job. The callback may run before this returns. After an error (ENGINE_CLOSED, OUT_OF_MEMORY)
  /// it never runs, and nothing has changed but that the place is given back.
  Result<JobId> submit(Admission::Place place, EmbedRequest request, Callback done);

  /// admit() and submit() of a recording that the caller has copied or read himself.
  Result<JobId> submit(EmbedRequest request, Callback done);

  /// Who speaks when in an admitted recording: one job like others, which workers that have nothing to do help with. On
  /// a device its pieces are embedded beside the batches. Errors: as of submit(); INVALID_ARGUMENT for counts that
  /// contradict each other, or a model of another rate than 16 kHz.
  Result<JobId> submit_conversation(Admission::Place place, ConversationRequest request, ConversationCallback done);

  /// admit() and submit_conversation() of a recording that the caller has copied or read himself.
  Result<JobId> submit_conversation(ConversationRequest request, ConversationCallback done);

  /// The job ends with ABORTED: at once where it waits, at the next tile where it runs. False for an unknown job.
  bool cancel(JobId job);

  /// Stops admission. Jobs that are not finished by `drain`, at once without it, end with ENGINE_CLOSED. Returns when
  /// every callback has run and every thread has ended; called from a callback, it waits for nothing. Safe to call
  /// again.
  void close(std::optional<Clock::time_point> drain = std::nullopt);

  const bundle::Model& model() const;
  const EngineOptions& options() const;
  EngineStats stats() const;

 private:
  explicit Engine(std::shared_ptr<Scheduler> scheduler);
  Status start_threads();

  const std::shared_ptr<Scheduler> scheduler_;
  std::mutex join_mutex_;
  std::vector<std::thread> threads_;
};

}  // namespace timbre
