#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "audio/audio.h"
#include "audio/input.h"
#include "audio/sample_sink.h"
#include "contain/child_process.h"
#include "contain/walls.h"
#include "isolation/channel.h"
#include "support/interrupt.h"
#include "support/result.h"

namespace timbre {

/// Where recordings are decoded.
enum class Isolation {
  kNone,     ///< in this process
  kProcess,  ///< in one beside it, behind walls
};

/// Says where the program is that decodes, and where its libraries may lie as LD_LIBRARY_PATH lists folders. The host
/// knows, the core does not; the first call counts.
void look_for_decoder(std::string_view program, std::string_view library_path);

/// The other end of a decoder, and the process that it is.
struct DecoderConnection {
  Channel channel;
  std::optional<Child> process;  ///< none: somebody else's
};

/// Decodes by a process of its own that has no files, no network and no way to start anything: who finds a way into a
/// decoder has its recording there, and an answer that is checked. The process is started with the first recording,
/// lives as long as the object and is started anew where it ended: the recording that it ended at is lost, no other.
///
/// Used by one thread, and not beyond the end of that.
class ContainedDecoder {
 public:
  /// How a process is started; tests have others.
  using Launch = std::function<Result<DecoderConnection>()>;

  /// For recordings within `limits`, to samples at `sample_rate`.
  ContainedDecoder(const AudioLimits& limits, int sample_rate);
  /// `patience`: how long one recording may take; none: as long as one of the longest that are allowed.
  ContainedDecoder(const AudioLimits& limits, int sample_rate, Launch launch,
                   std::optional<std::chrono::milliseconds> patience);
  ~ContainedDecoder();
  ContainedDecoder(const ContainedDecoder&) = delete;
  ContainedDecoder& operator=(const ContainedDecoder&) = delete;

  /// Starts the process, unless it runs, and gives the walls that stand around it. Errors: OVERLOADED (no descriptors,
  /// processes or memory left), INTERNAL (the program is not there, is of another build, cannot be enclosed).
  Result<Walls> start();

  /// As timbre::decode(); samples are not decoded, and stay in this process. Errors: its errors, those of start(),
  /// DECODER_FAILED (the process ended, or answered with something else than audio; the next recording gets another).
  Result<Audio> decode(const AudioSource& source, const Interrupt& interrupt, AudioTimings& timings,
                       const AudioSelection& selection);

  /// As timbre::decode_into(), of recordings within `limits`, which may be longer than those of decode() but not of
  /// more bytes. A block of samples is in the shared memory at a time: the decoder waits until the sink has taken it.
  /// Errors: those of decode() and of the sink.
  Result<AudioInfo> decode_into(SampleSink& sink, const AudioSource& source, const AudioLimits& limits,
                                const Interrupt& interrupt, AudioTimings& timings, const AudioSelection& selection);

 private:
  struct Session;
  class Exchange;

  /// `sink`: takes the samples in place of the result.
  Result<Audio> decode(const Input& input, const AudioLimits& limits, const Interrupt& interrupt, AudioTimings& timings,
                       const AudioSelection& selection, SampleSink* sink);

  const AudioLimits limits_;
  const int sample_rate_;
  const Launch launch_;
  const std::optional<std::chrono::milliseconds> patience_;
  std::unique_ptr<Session> session_;
};

}  // namespace timbre
