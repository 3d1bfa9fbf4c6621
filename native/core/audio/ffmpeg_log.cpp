#include "audio/ffmpeg_log.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>

namespace timbre {

namespace {

constexpr std::size_t kLongestLine = 4096;
constexpr std::size_t kMostErrors = 8192;
constexpr std::size_t kMostTracks = 1000;

/// Takes a number from the front.
std::optional<int> take_number(std::string_view& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// "00:00:01.73", or "N/A".
std::optional<double> clock_time(std::string_view text) {
  const auto hours = take_number(text);
  if (!hours || !take(text, ":")) return std::nullopt;
  const auto minutes = take_number(text);
  if (!minutes || !take(text, ":")) return std::nullopt;
  const auto seconds = take_number(text);
  if (!seconds) return std::nullopt;
  double fraction = 0;
  if (take(text, ".")) {
    double unit = 0.1;
    for (; !text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) != 0; text.remove_prefix(1)) {
      fraction += unit * (text.front() - '0');
      unit /= 10;
    }
  }
  return 3600.0 * *hours + 60.0 * *minutes + *seconds + fraction;
}

}  // namespace

void FfmpegLog::add(std::string_view text) {
  while (!text.empty()) {
    // Progress is written over itself.
    const auto end = std::min(text.find('\n'), text.find('\r'));
    const std::string_view piece = text.substr(0, end);
    rest_.append(piece.substr(0, kLongestLine - std::min(rest_.size(), kLongestLine)));
    if (end == text.npos) return;
    line(std::exchange(rest_, {}));
    text.remove_prefix(end + 1);
  }
}

void FfmpegLog::end() {
  if (!rest_.empty()) line(std::exchange(rest_, {}));
}

int FfmpegLog::track() const {
  const auto found =
      std::find_if(streams_.begin(), streams_.end(), [&](const Stream& s) { return s.index == mapped_; });
  return found == streams_.end() ? 0 : static_cast<int>(found - streams_.begin());
}

std::string FfmpegLog::codec() const {
  return streams_.empty() ? "" : streams_[static_cast<std::size_t>(track())].codec;
}

bool FfmpegLog::says(std::string_view words) const { return all_errors_.find(words) != all_errors_.npos; }

Completeness FfmpegLog::completeness() const {
  if (errors_ == 0) return {};
  return {truncated_ ? Shortfall::kTruncated : Shortfall::kDamaged, std::nullopt,
          std::string(truncated_ ? "is truncated" : "is damaged") + ": ffmpeg says \"" + first_error_ + "\""};
}

/// "[matroska,webm @ 0x55d1] [error] what", "[info] what".
void FfmpegLog::line(std::string_view text) {
  std::string_view module;
  if (text.starts_with('[')) {
    const auto at = text.find(" @ 0x");
    const auto close = text.find("] ");
    if (at != text.npos && at < close && close != text.npos) {
      module = text.substr(1, at - 1);
      text.remove_prefix(close + 2);
    }
  }
  if (take(text, "[info] ")) {
    information(text);
  } else if (take(text, "[warning] ")) {
    guessed_ = guessed_ || text.find("Estimating duration") != text.npos;
    // So it calls packets that the demuxer knows to be broken: of a transport stream, above all.
    if (text.find("orrupt input packet") != text.npos && errors_++ == 0) first_error_ = "corrupt input packet";
  } else if (take(text, "[error] ") || take(text, "[fatal] ")) {
    for (const std::string_view own : {"file:/dev/fd/0: ", "/dev/fd/0: ", "pipe:0: ", "pipe:: "}) take(text, own);
    last_error_ = text;
    if (all_errors_.size() + text.size() < kMostErrors) all_errors_ += std::string(text) + "\n";
    const bool ours = module == demuxer_ || module.starts_with(demuxer_ + ",") ||
                      module.find("," + demuxer_) != module.npos || (!decoder_.empty() && module == decoder_) ||
                      module.starts_with("aist#") || module.starts_with("in#") ||
                      (module.empty() && text.starts_with("Error while decoding stream"));
    if (!ours) return;
    if (errors_++ == 0) first_error_ = text;
    for (const std::string_view words : {"ended prematurely", "partial file", "runcated", "End of file"}) {
      truncated_ = truncated_ || text.find(words) != text.npos;
    }
  }
}

void FfmpegLog::information(std::string_view text) {
  if (text.starts_with("Input #")) in_input_ = true;
  if (text.starts_with("Output #") || text.starts_with("Stream mapping")) in_input_ = false;
  // Lines of tags are indented more, so that no title of a recording looks like one of these.
  std::string_view stream = text;
  if (take(stream, "  Duration: ") && in_input_) declared_ = clock_time(stream);
  stream = text;
  if (!take(stream, "  Stream #0:") && !take(stream, "    Stream #0:")) return;
  const auto index = take_number(stream);
  if (!index) return;
  if (!in_input_) {
    // "Stream #0:1 -> #0:0 (opus (native) -> pcm_f32le (native))"
    if (!take(stream, " -> #0:0 (")) return;
    mapped_ = index;
    std::string_view rest = stream;
    const auto codec = rest.substr(0, rest.find(' '));
    const auto open = rest.find('(');
    const auto name = open == rest.npos ? codec : rest.substr(open + 1, rest.find(')') - open - 1);
    decoder_ = name == "native" ? codec : name;
    return;
  }
  const auto kind = stream.find(": ");
  if (kind == stream.npos) return;
  stream = stream.substr(kind + 2);
  video_ = video_ || (stream.starts_with("Video: ") && stream.find("(attached pic)") == stream.npos);
  if (!take(stream, "Audio: ") || streams_.size() >= kMostTracks) return;
  std::string codec(stream.substr(0, stream.find_first_of(" ,")));
  std::transform(codec.begin(), codec.end(), codec.begin(), [](unsigned char c) { return std::toupper(c); });
  streams_.push_back({*index, std::move(codec)});
}

}  // namespace timbre
