#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "audio/audio.h"
#include "bundle/model.h"
#include "features/front_end.h"
#include "speech/speech.h"
#include "support/interrupt.h"
#include "support/result.h"

namespace timbre {

struct EngineOptions {
  std::size_t workers = 1;        ///< threads; one utterance each on a CPU, front-end threads on CUDA
  std::size_t queue_limit = 256;  ///< jobs admitted and not yet started
  std::size_t max_batch = 32;     ///< utterances in one forward call where the model batches
  AudioLimits limits;
};

struct EmbedRequest {
  AudioSource source;
  bool allow_silence = false;  ///< embed digital silence instead of answering NO_SPEECH
  double cut_seconds = 0;      ///< above 0: embed only so much from the middle of a longer recording
  std::optional<Clock::time_point> deadline;
};

/// Wall-clock seconds of one job's stages.
struct Timings {
  double queue = 0;
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
  SpeechReport speech;  ///< of what was embedded; 0 s of speech is no error
  Timings timings;
};

/// What an engine has done since it was made, and what it holds now.
struct EngineStats {
  std::uint64_t submitted = 0;
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
  std::uint64_t aborted = 0;   ///< cancelled, past their deadline, or failed by close
  std::uint64_t rejected = 0;  ///< OVERLOADED
  std::uint64_t batches = 0;   ///< forward calls
  std::size_t queued = 0;
  std::size_t running = 0;
  double audio_seconds = 0;  ///< of completed jobs
  Timings seconds;           ///< sums over completed jobs
};

/// Recordings in, embeddings out, on the engine's own threads. The one public face of the core.
///
/// Every call is safe from any thread, for as long as the engine lives. A job's callback runs exactly once, on an
/// engine thread or on the thread that cancels, closes or destroys, never under a lock; it may call the engine, must
/// not block and must not throw. What the callback holds may be the engine's last owner.
class Engine {
 public:
  using JobId = std::uint64_t;
  using Callback = std::function<void(Result<EmbedResult>)>;

  /// Errors: INVALID_ARGUMENT, MODEL_INVALID of the front end, OVERLOADED when the system has no more threads.
  static Result<std::unique_ptr<Engine>> create(std::unique_ptr<const bundle::Model> model,
                                                const EngineOptions& options);

  /// Closes and joins; from a callback it cannot join, and the threads end on their own soon after.
  virtual ~Engine() = default;

  /// Admits a job at once or answers OVERLOADED or ENGINE_CLOSED, in which case the callback never runs. The callback
  /// may run before this returns.
  virtual Result<JobId> submit(EmbedRequest request, Callback done) = 0;

  /// A job that has not started ends with ABORTED; a running one stops at its next stage. False for an unknown job.
  virtual bool cancel(JobId job) = 0;

  /// Stops admission. Queued jobs end with ENGINE_CLOSED, at once without `drain`, with it only those that have not
  /// started by then. Returns when every callback has run and every thread has ended; called from a callback, it waits
  /// for nothing. Safe to call again.
  virtual void close(std::optional<Clock::time_point> drain = std::nullopt) = 0;

  virtual const bundle::Model& model() const = 0;
  virtual const EngineOptions& options() const = 0;
  virtual EngineStats stats() const = 0;
};

}  // namespace timbre
