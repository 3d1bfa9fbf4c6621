#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audio/completeness.h"

namespace timbre {

/// Reads what ffmpeg says on stderr with `-loglevel level+info`: which audio tracks there are, which one it took, and
/// what went wrong on the way.
class FfmpegLog {
 public:
  /// `demuxer`: its complaints count; those of decoders of other tracks do not.
  explicit FfmpegLog(std::string demuxer) : demuxer_(std::move(demuxer)) {}

  /// More of the text, cut anywhere.
  void add(std::string_view text);
  /// No more will come.
  void end();

  int tracks() const { return static_cast<int>(streams_.size()); }
  /// The one that was taken; 0 where that is not known.
  int track() const;
  /// Of that one, in capitals: "AAC", "OPUS", "PCM_S16LE". Empty where it is not known.
  std::string codec() const;
  /// By the container's own header; none where there is none or it is a guess.
  std::optional<double> declared_seconds() const { return guessed_ || video_ ? std::nullopt : declared_; }

  /// Errors of the demuxer and the decoder that did not end it.
  Completeness completeness() const;

  /// Whether an error says so.
  bool says(std::string_view words) const;
  /// The last error, for people; empty where there was none.
  const std::string& last_error() const { return last_error_; }

 private:
  void line(std::string_view text);
  void information(std::string_view text);

  struct Stream {
    int index = 0;
    std::string codec;
  };

  const std::string demuxer_;
  std::string rest_;  ///< a line that is not complete
  std::vector<Stream> streams_;
  std::optional<int> mapped_;
  std::string decoder_;
  std::optional<double> declared_;
  bool guessed_ = false;
  bool video_ = false;
  bool in_input_ = false;
  bool truncated_ = false;
  int errors_ = 0;  ///< that count
  std::string first_error_;
  std::string last_error_;
  std::string all_errors_;  ///< the first few kilobytes
};

}  // namespace timbre
