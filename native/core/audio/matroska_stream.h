#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

namespace timbre {

/// Reads the stream of 32-bit floats with time stamps that ffmpeg writes with `-c:a pcm_f32le -f matroska pipe:`: the
/// elements of RFC 9559 that are in it, as they come.
class MatroskaStream {
 public:
  /// More of the stream, cut anywhere.
  void add(std::span<const std::uint8_t> bytes);

  /// False once something else than such a stream has come.
  bool sound() const { return sound_; }

  /// 0 until the header is here.
  int sample_rate() const { return sample_rate_; }
  int channels() const { return channels_; }

  /// Samples that are here, all channels, interleaved.
  std::size_t size() const { return samples_.size() - taken_; }
  /// Takes at most `to.size()` of them.
  std::size_t take(std::span<float> to);

  /// A jump of the time stamps: so many seconds are missing in front of the sample of a channel with this number.
  struct Jump {
    std::uint64_t frame = 0;
    double seconds = 0;
  };
  /// Those of at least 10 ms (stamps are rounded) found since it was last asked.
  std::vector<Jump> take_jumps();

  /// Seconds from the first time stamp to the end that have no samples; jumps forward and back add up to it.
  double drift() const;

 private:
  bool parse();
  void block(std::span<const std::uint8_t> body);

  std::vector<std::uint8_t> bytes_;
  std::size_t at_ = 0;
  std::uint64_t skip_ = 0;  ///< bytes of an element that nobody wants
  bool begun_ = false;
  bool sound_ = true;
  int sample_rate_ = 0;
  int channels_ = 0;
  double scale_ = 1e-3;  ///< seconds of a time stamp's unit
  std::int64_t cluster_ = 0;
  std::optional<double> first_;     ///< seconds
  std::optional<double> expected_;  ///< seconds at which the next block should begin
  std::uint64_t frames_ = 0;        ///< of all blocks
  std::vector<float> samples_;
  std::size_t taken_ = 0;
  std::vector<Jump> jumps_;
};

}  // namespace timbre
