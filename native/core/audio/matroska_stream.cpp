#include "audio/matroska_stream.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace timbre {

namespace {

/// Time stamps of whole milliseconds make shorter ones.
constexpr double kShortestJump = 0.01;

constexpr std::uint32_t kEbml = 0x1A45DFA3;
constexpr std::uint32_t kSegment = 0x18538067;
constexpr std::uint32_t kInfo = 0x1549A966;
constexpr std::uint32_t kTimestampScale = 0x2AD7B1;
constexpr std::uint32_t kTracks = 0x1654AE6B;
constexpr std::uint32_t kTrackEntry = 0xAE;
constexpr std::uint32_t kAudio = 0xE1;
constexpr std::uint32_t kSamplingFrequency = 0xB5;
constexpr std::uint32_t kChannels = 0x9F;
constexpr std::uint32_t kCluster = 0x1F43B675;
constexpr std::uint32_t kTimestamp = 0xE7;
constexpr std::uint32_t kBlockGroup = 0xA0;
constexpr std::uint32_t kBlock = 0xA1;
constexpr std::uint32_t kSimpleBlock = 0xA3;

/// A frame of the longest codec with the most channels is far below.
constexpr std::uint64_t kLargestElement = 64 << 20;

bool is_master(std::uint32_t id) {
  return id == kSegment || id == kInfo || id == kTracks || id == kTrackEntry || id == kAudio || id == kCluster ||
         id == kBlockGroup;
}

bool is_wanted(std::uint32_t id) {
  return id == kTimestampScale || id == kSamplingFrequency || id == kChannels || id == kTimestamp || id == kBlock ||
         id == kSimpleBlock;
}

std::uint64_t unsigned_of(std::span<const std::uint8_t> bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes.first(std::min<std::size_t>(bytes.size(), 8))) value = value << 8 | byte;
  return value;
}

double float_of(std::span<const std::uint8_t> bytes) {
  if (bytes.size() == 4) return std::bit_cast<float>(static_cast<std::uint32_t>(unsigned_of(bytes)));
  return bytes.size() == 8 ? std::bit_cast<double>(unsigned_of(bytes)) : 0;
}

}  // namespace

void MatroskaStream::add(std::span<const std::uint8_t> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  while (sound_ && parse()) {
  }
  bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<long>(at_));
  at_ = 0;
}

/// Takes one element, or the head of one that holds others; false when it is not complete yet.
bool MatroskaStream::parse() {
  if (skip_ > 0) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, bytes_.size() - at_));
    at_ += count;
    skip_ -= count;
    if (skip_ > 0) return false;
  }
  const auto rest = std::span(bytes_).subspan(at_);
  if (rest.empty()) return false;
  const auto id_length = static_cast<std::size_t>(std::countl_zero(rest[0])) + 1;
  if (id_length > 4) {
    sound_ = false;
    return false;
  }
  if (rest.size() <= id_length) return false;
  const auto id = static_cast<std::uint32_t>(unsigned_of(rest.first(id_length)));
  if (!begun_ && id != kEbml) {
    sound_ = false;
    return false;
  }
  begun_ = true;
  const auto size_length = static_cast<std::size_t>(std::countl_zero(rest[id_length])) + 1;
  if (size_length > 8) {
    sound_ = false;
    return false;
  }
  if (rest.size() < id_length + size_length) return false;
  const std::uint64_t mask = (1ULL << (7 * size_length)) - 1;
  const std::uint64_t size = unsigned_of(rest.subspan(id_length, size_length)) & mask;
  const std::size_t head = id_length + size_length;
  if (is_master(id)) {
    at_ += head;
    return true;
  }
  if (size == mask || (is_wanted(id) && size > kLargestElement)) {
    sound_ = false;
    return false;
  }
  if (!is_wanted(id)) {
    at_ += head;
    skip_ = size;
    return true;
  }
  if (rest.size() - head < size) return false;
  const auto body = rest.subspan(head, static_cast<std::size_t>(size));
  switch (id) {
    case kTimestampScale:
      scale_ = static_cast<double>(unsigned_of(body)) * 1e-9;
      break;
    case kSamplingFrequency: {
      const double rate = float_of(body);
      sample_rate_ = rate >= 1 && rate < 1e9 ? static_cast<int>(std::lround(rate)) : 0;
      break;
    }
    case kChannels:
      channels_ = static_cast<int>(std::min<std::uint64_t>(unsigned_of(body), 65535));
      break;
    case kTimestamp:
      cluster_ = static_cast<std::int64_t>(unsigned_of(body));
      break;
    default:
      block(body);
  }
  at_ += head + static_cast<std::size_t>(size);
  return true;
}

/// The track's number in one byte, a time stamp of two, flags; then the samples.
void MatroskaStream::block(std::span<const std::uint8_t> body) {
  constexpr std::size_t kHead = 4;
  if (body.size() < kHead || sample_rate_ < 1 || channels_ < 1) {
    sound_ = false;
    return;
  }
  const auto relative = static_cast<std::int16_t>(body[1] << 8U | body[2]);
  const double begin = static_cast<double>(cluster_ + relative) * scale_;
  if (!first_) first_ = begin;
  if (expected_ && begin - *expected_ >= kShortestJump) jumps_.push_back({frames_, begin - *expected_});
  const std::size_t count = (body.size() - kHead) / sizeof(float);
  const std::uint8_t* from = body.data() + kHead;
  samples_.erase(samples_.begin(), samples_.begin() + static_cast<long>(taken_));
  taken_ = 0;
  samples_.reserve(samples_.size() + count);
  for (std::size_t i = 0; i < count; ++i, from += sizeof(float)) {
    const std::uint32_t bits = from[0] | static_cast<std::uint32_t>(from[1]) << 8U |
                               static_cast<std::uint32_t>(from[2]) << 16U | static_cast<std::uint32_t>(from[3]) << 24U;
    samples_.push_back(std::bit_cast<float>(bits));
  }
  const std::uint64_t frames = count / static_cast<std::size_t>(channels_);
  frames_ += frames;
  expected_ = begin + static_cast<double>(frames) / sample_rate_;
}

std::size_t MatroskaStream::take(std::span<float> to) {
  const std::size_t count = std::min(to.size(), size());
  std::copy_n(samples_.begin() + static_cast<long>(taken_), count, to.begin());
  taken_ += count;
  return count;
}

std::vector<MatroskaStream::Jump> MatroskaStream::take_jumps() { return std::exchange(jumps_, {}); }

double MatroskaStream::drift() const {
  if (!first_ || !expected_) return 0;
  return *expected_ - *first_ - static_cast<double>(frames_) / sample_rate_;
}

}  // namespace timbre
