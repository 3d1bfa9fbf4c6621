#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audio/audio.h"
#include "contain/child_process.h"
#include "contain/walls.h"
#include "support/error.h"

/// What a process and its walled-in decoder say to each other. Both are of one build, so that numbers go as they lie in
/// memory; what the decoder says is believed in nothing all the same: every count, code and text is checked.
namespace timbre {

/// Raised with every change of a message, so that a program left over from another build is refused.
constexpr std::uint64_t kProtocol = 2;

/// Bytes of a message, and of a text in it. Longer ones are cut by whoever sends them and refused by whoever is sent
/// them.
constexpr std::size_t kMostMessage = 64 << 10;
constexpr std::size_t kMostText = 24 << 10;

/// Bytes of samples that are handed over at a time of a recording that nobody holds: four seconds at 16 kHz.
constexpr std::size_t kMostStreamed = 256 << 10;

enum class MessageKind : std::uint8_t {
  // To the decoder.
  kOpen = 1,   ///< the shared memory, by its descriptor
  kDecode,     ///< a recording, by its descriptor
  kTaken,      ///< what lay in the shared memory has been taken from it
  kFfmpeg,     ///< its output, by two descriptors
  kNoFfmpeg,   ///< why it was not started
  kFfmpegEnd,  ///< how it ended, or that it runs
  // From the decoder.
  kReady,         ///< the walls that stand around it
  kBytes,         ///< bytes of a recording for ffmpeg, in the shared memory
  kStartFfmpeg,   ///< what for
  kAskFfmpegEnd,  ///< how long to wait
  kDropFfmpeg,    ///< it is not read any more; is not answered
  kSamples,       ///< samples, in the shared memory
  kAudio,         ///< what the recording was; its samples have all been taken
  kFailed,        ///< why it was not decoded
  kExpected,      ///< seconds of a recording that is streamed, before its samples; is not answered
  kRestart,       ///< its samples so far are void; is not answered
};

/// Builds the body of a message.
class MessageWriter {
 public:
  MessageWriter& number(std::uint64_t value);
  MessageWriter& real(double value);
  MessageWriter& text(std::string_view value);
  MessageWriter& optional(const std::optional<int>& value);

  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

/// Takes the body of a message apart. What is not there, or not of its kind, makes the whole invalid.
class MessageReader {
 public:
  explicit MessageReader(const std::vector<std::uint8_t>& bytes) : bytes_(bytes) {}

  /// At most `most`.
  std::uint64_t number(std::uint64_t most);
  int integer(int most) { return static_cast<int>(number(static_cast<std::uint64_t>(most))); }
  /// Finite, in [low, high].
  double real(double low, double high);
  /// On one line: control characters are replaced.
  std::string text();
  std::optional<int> optional(int most);

  /// Whether all of it has been read, and was as it should be.
  bool complete() const { return valid_ && at_ == bytes_.size(); }
  bool valid() const { return valid_; }

 private:
  const std::vector<std::uint8_t>& bytes_;
  std::size_t at_ = 0;
  bool valid_ = true;
};

/// A recording to decode; its bytes come by a descriptor.
struct DecodeRequest {
  std::string name;
  bool copied = false;    ///< into memory that nobody changes
  bool streamed = false;  ///< samples go out as they come, and are not kept
  int sample_rate = 0;
  AudioLimits limits;
  AudioSelection selection;
};

/// What came of it, beside its samples.
struct DecodedInfo {
  AudioInfo info;
  AudioTimings timings;
};

std::vector<std::uint8_t> to_message(const DecodeRequest& request);
std::optional<DecodeRequest> to_request(const std::vector<std::uint8_t>& body);

std::vector<std::uint8_t> to_message(const DecodedInfo& decoded);
/// None for what no recording within the limits can be.
std::optional<DecodedInfo> to_decoded(const std::vector<std::uint8_t>& body, const DecodeRequest& request);

/// An error, and how long was worked until it came.
struct DecodingFault {
  Error error;
  AudioTimings timings;
};
std::vector<std::uint8_t> to_message(const DecodingFault& fault);
std::optional<DecodingFault> to_fault(const std::vector<std::uint8_t>& body);

/// None while it runs.
std::vector<std::uint8_t> to_message(const std::optional<ChildEnd>& end);
/// The outer one is none for no such message.
std::optional<std::optional<ChildEnd>> to_child_end(const std::vector<std::uint8_t>& body);

std::vector<std::uint8_t> to_message(const Walls& walls);
/// None for a decoder of another build.
std::optional<Walls> to_walls(const std::vector<std::uint8_t>& body);

}  // namespace timbre
