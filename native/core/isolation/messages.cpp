#include "isolation/messages.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

namespace timbre {

namespace {

/// Of a stage that was timed; a recording is not worked on for longer.
constexpr double kMostSeconds = 1e6;

/// A recording is said to be of more channels or tracks nowhere else either.
constexpr int kMostTracks = 1 << 20;

/// What decode() ends with. Whether the work was stopped is for the process that stopped it to say.
constexpr std::array kFaults = {
    ErrorCode::AUDIO_NOT_FOUND, ErrorCode::AUDIO_UNSUPPORTED, ErrorCode::AUDIO_CORRUPT,     ErrorCode::AUDIO_TOO_LARGE,
    ErrorCode::AUDIO_TOO_LONG,  ErrorCode::INVALID_ARGUMENT,  ErrorCode::OUT_OF_MEMORY,     ErrorCode::OVERLOADED,
    ErrorCode::INTERNAL,        ErrorCode::ABORTED,           ErrorCode::DEADLINE_EXCEEDED, ErrorCode::ENGINE_CLOSED,
};

constexpr int kLastShortfall = static_cast<int>(Shortfall::kTruncated);

void write(MessageWriter& to, const AudioTimings& timings) { to.real(timings.decode).real(timings.resample); }

AudioTimings read_timings(MessageReader& from) {
  AudioTimings timings;
  timings.decode = from.real(0, kMostSeconds);
  timings.resample = from.real(0, kMostSeconds);
  return timings;
}

void write(MessageWriter& to, const Completeness& completeness) {
  to.number(static_cast<std::uint64_t>(completeness.shortfall)).number(completeness.missing_seconds ? 1 : 0);
  to.real(completeness.missing_seconds.value_or(0)).text(completeness.what);
}

Completeness read_completeness(MessageReader& from) {
  Completeness completeness;
  completeness.shortfall = static_cast<Shortfall>(from.integer(kLastShortfall));
  const bool known = from.number(1) == 1;
  // What a header declares may be anything.
  const double missing = from.real(-std::numeric_limits<double>::max(), std::numeric_limits<double>::max());
  if (known) completeness.missing_seconds = missing;
  completeness.what = from.text();
  return completeness;
}

}  // namespace

MessageWriter& MessageWriter::number(std::uint64_t value) {
  const auto* const from = reinterpret_cast<const std::uint8_t*>(&value);
  bytes_.insert(bytes_.end(), from, from + sizeof(value));
  return *this;
}

MessageWriter& MessageWriter::real(double value) {
  std::uint64_t bits = 0;
  static_assert(sizeof(bits) == sizeof(value));
  std::memcpy(&bits, &value, sizeof(bits));
  return number(bits);
}

MessageWriter& MessageWriter::text(std::string_view value) {
  value = value.substr(0, kMostText);
  number(value.size());
  bytes_.insert(bytes_.end(), value.begin(), value.end());
  return *this;
}

MessageWriter& MessageWriter::optional(const std::optional<int>& value) {
  return number(value ? 1 : 0).number(static_cast<std::uint64_t>(std::max(0, value.value_or(0))));
}

std::uint64_t MessageReader::number(std::uint64_t most) {
  std::uint64_t value = 0;
  if (!valid_ || bytes_.size() - at_ < sizeof(value)) {
    valid_ = false;
    return 0;
  }
  std::memcpy(&value, bytes_.data() + at_, sizeof(value));
  at_ += sizeof(value);
  if (value <= most) return value;
  valid_ = false;
  return 0;
}

double MessageReader::real(double low, double high) {
  const std::uint64_t bits = number(std::numeric_limits<std::uint64_t>::max());
  double value = 0;
  std::memcpy(&value, &bits, sizeof(value));
  if (value >= low && value <= high) return value;
  valid_ = false;
  return low;
}

std::string MessageReader::text() {
  const auto size = static_cast<std::size_t>(number(kMostText));
  if (!valid_ || bytes_.size() - at_ < size) {
    valid_ = false;
    return {};
  }
  std::string value(reinterpret_cast<const char*>(bytes_.data()) + at_, size);
  at_ += size;
  std::ranges::replace_if(
      value, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
  return value;
}

std::optional<int> MessageReader::optional(int most) {
  const bool there = number(1) == 1;
  const int value = integer(most);
  return there ? std::optional(value) : std::nullopt;
}

std::vector<std::uint8_t> to_message(const DecodeRequest& request) {
  MessageWriter to;
  const AudioLimits& limits = request.limits;
  to.text(request.name).number(request.copied ? 1 : 0).number(request.streamed ? 1 : 0);
  to.number(static_cast<std::uint64_t>(request.sample_rate));
  to.number(limits.max_bytes).real(limits.max_seconds);
  to.number(static_cast<std::uint64_t>(limits.min_sample_rate));
  to.number(static_cast<std::uint64_t>(limits.max_sample_rate));
  to.number(static_cast<std::uint64_t>(limits.max_channels));
  to.optional(request.selection.channel).optional(request.selection.track);
  return to.bytes();
}

std::optional<DecodeRequest> to_request(const std::vector<std::uint8_t>& body) {
  constexpr int kMost = std::numeric_limits<int>::max();
  MessageReader from(body);
  DecodeRequest request;
  request.name = from.text();
  request.copied = from.number(1) == 1;
  request.streamed = from.number(1) == 1;
  request.sample_rate = from.integer(kMost);
  request.limits.max_bytes = from.number(std::numeric_limits<std::uint64_t>::max());
  request.limits.max_seconds = from.real(0, std::numeric_limits<double>::max());
  request.limits.min_sample_rate = from.integer(kMost);
  request.limits.max_sample_rate = from.integer(kMost);
  request.limits.max_channels = from.integer(kMost);
  request.selection.channel = from.optional(kMost);
  request.selection.track = from.optional(kMost);
  return from.complete() ? std::optional(request) : std::nullopt;
}

std::vector<std::uint8_t> to_message(const DecodedInfo& decoded) {
  MessageWriter to;
  const AudioInfo& info = decoded.info;
  to.real(info.seconds).number(static_cast<std::uint64_t>(info.sample_rate));
  to.number(static_cast<std::uint64_t>(info.channels)).real(info.clipped_share).text(info.format);
  to.optional(info.channel).number(info.channels_cancel ? 1 : 0).number(info.channels_alike ? 1 : 0);
  to.number(static_cast<std::uint64_t>(info.tracks)).number(static_cast<std::uint64_t>(info.track));
  write(to, info.completeness);
  write(to, decoded.timings);
  return to.bytes();
}

std::optional<DecodedInfo> to_decoded(const std::vector<std::uint8_t>& body, const DecodeRequest& request) {
  const AudioLimits& limits = request.limits;
  MessageReader from(body);
  DecodedInfo decoded;
  AudioInfo& info = decoded.info;
  // A block more is decoded before the limit is looked at again.
  info.seconds = from.real(0, limits.max_seconds + 1);
  info.sample_rate = from.integer(limits.max_sample_rate);
  info.channels = from.integer(limits.max_channels);
  info.clipped_share = from.real(0, 1);
  info.format = from.text();
  info.channel = from.optional(limits.max_channels - 1);
  info.channels_cancel = from.number(1) == 1;
  info.channels_alike = from.number(1) == 1;
  info.tracks = from.integer(kMostTracks);
  info.track = from.integer(kMostTracks);
  info.completeness = read_completeness(from);
  decoded.timings = read_timings(from);
  const bool sound = info.sample_rate >= limits.min_sample_rate && info.channels >= 1;
  return from.complete() && sound ? std::optional(decoded) : std::nullopt;
}

std::vector<std::uint8_t> to_message(const DecodingFault& fault) {
  MessageWriter to;
  to.number(static_cast<std::uint64_t>(fault.error.code)).text(fault.error.message);
  write(to, fault.timings);
  return to.bytes();
}

std::optional<DecodingFault> to_fault(const std::vector<std::uint8_t>& body) {
  MessageReader from(body);
  DecodingFault fault{{static_cast<ErrorCode>(from.integer(std::numeric_limits<int>::max())), from.text()}, {}};
  fault.timings = read_timings(from);
  const bool known = std::ranges::find(kFaults, fault.error.code) != kFaults.end();
  return from.complete() && known ? std::optional(std::move(fault)) : std::nullopt;
}

std::vector<std::uint8_t> to_message(const std::optional<ChildEnd>& end) {
  MessageWriter to;
  to.number(end ? 1 : 0).number(end ? static_cast<std::uint64_t>(end->kind) : 0);
  return to.number(end ? static_cast<std::uint64_t>(end->value) : 0).bytes();
}

std::optional<std::optional<ChildEnd>> to_child_end(const std::vector<std::uint8_t>& body) {
  MessageReader from(body);
  const bool ended = from.number(1) == 1;
  ChildEnd end;
  end.kind = static_cast<ChildEnd::Kind>(from.integer(static_cast<int>(ChildEnd::Kind::kUnknown)));
  end.value = from.integer(std::numeric_limits<int>::max());
  if (!from.complete()) return std::nullopt;
  return ended ? std::optional(std::optional(end)) : std::optional(std::optional<ChildEnd>());
}

std::vector<std::uint8_t> to_message(const Walls& walls) {
  return MessageWriter().number(kProtocol).number(walls.files ? 1 : 0).number(walls.calls ? 1 : 0).bytes();
}

std::optional<Walls> to_walls(const std::vector<std::uint8_t>& body) {
  MessageReader from(body);
  const bool same = from.number(std::numeric_limits<std::uint64_t>::max()) == kProtocol;
  const Walls walls{from.number(1) == 1, from.number(1) == 1};
  return from.complete() && same ? std::optional(walls) : std::nullopt;
}

}  // namespace timbre
