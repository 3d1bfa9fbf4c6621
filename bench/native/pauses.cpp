// Embeds a list of recordings as they are and with silence added, under several rules for pauses. bench/js/pauses.mjs
// runs it and makes error rates and cosines of what it writes.
//
//   build-bench/bench/native/pauses --model BUNDLE --root FOLDER --list FILE --out FOLDER
//       --condition as-is --condition both_10_-70 ... --rule keep --rule cut --rule NAME=LONGEST,MARGIN,SILENCE ...
//
// A condition is WHERE_SECONDS_KIND: before, behind, both or between (in the longest pause); zero, a level of white
// noise in dBFS, or room, noise of the spectrum of the recording's own pauses. For every condition and rule OUT holds a
// file of rows in the order of the list, float32 each: seconds embedded, seconds of speech heard, and the embedding. A
// recording without pauses to take room noise from gives a row of NaN.
#include "speech/pauses.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>
#include <numbers>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "audio/decode.h"
#include "bundle/torch_model.h"
#include "features/front_end.h"
#include "speech/speech.h"

namespace {

namespace fs = std::filesystem;
using namespace timbre;

constexpr int kRate = 16000;
constexpr std::size_t kFrame = 512;
/// Added silence is so much longer at most, so that the detector's frames fall elsewhere in the speech.
constexpr std::size_t kShift = 512;
constexpr double kQuiet = 0.1;  // a probability of speech
constexpr std::size_t kFewestQuiet = 3;
constexpr std::size_t kMostQuiet = 24;

using Samples = std::vector<float>;

struct Way {
  std::string name;
  std::optional<PauseRule> rule;
};

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> parts;
  std::stringstream in(text);
  for (std::string part; std::getline(in, part, by);) parts.push_back(part);
  return parts;
}

Way parse_way(const std::string& text) {
  const auto parts = split(text, '=');
  Way way{parts.at(0), std::nullopt};
  if (way.name == "keep") return way;
  way.rule = default_pauses();
  if (parts.size() < 2) return way;
  const auto values = split(parts[1], ',');
  way.rule->longest = std::stod(values.at(0));
  way.rule->margin = std::stod(values.at(1));
  if (values.size() > 2) way.rule->silence = std::stod(values[2]);
  return way;
}

/// Starts of frames of pauses, a frame away from anything that may be speech.
std::vector<std::size_t> quiet_frames(const std::vector<float>& probabilities) {
  std::vector<std::size_t> frames;
  for (std::size_t i = 1; i + 1 < probabilities.size(); ++i) {
    if (std::max({probabilities[i - 1], probabilities[i], probabilities[i + 1]}) < kQuiet) frames.push_back(i * kFrame);
  }
  return frames;
}

/// Taps of a filter that gives white noise the mean spectrum of these frames.
Samples colour_of(const Samples& samples, const std::vector<std::size_t>& frames) {
  constexpr auto kPoints = static_cast<double>(kFrame);
  const auto angle = [](std::size_t k, std::size_t n) {
    return 2 * std::numbers::pi * static_cast<double>(k * n % kFrame) / kPoints;
  };
  const auto hann = [&](std::size_t n) { return 0.5 - 0.5 * std::cos(angle(1, n)); };
  std::vector<double> magnitude(kFrame / 2 + 1);
  for (std::size_t k = 0; k < magnitude.size(); ++k) {
    double power = 0;
    for (const std::size_t frame : frames) {
      double re = 0;
      double im = 0;
      for (std::size_t n = 0; n < kFrame; ++n) {
        re += hann(n) * samples[frame + n] * std::cos(angle(k, n));
        im += hann(n) * samples[frame + n] * std::sin(angle(k, n));
      }
      power += (re * re + im * im) / (0.375 * kPoints);  // the window's own power
    }
    magnitude[k] = std::sqrt(power / static_cast<double>(frames.size()));
  }
  Samples taps(kFrame);
  for (std::size_t n = 0; n < kFrame; ++n) {
    double sum = magnitude[0];
    for (std::size_t k = 1; k < kFrame / 2; ++k) sum += 2 * magnitude[k] * std::cos(angle(k, n + kFrame / 2));
    taps[n] = static_cast<float>(hann(n) * sum / kPoints);
  }
  return taps;
}

/// None for room noise where there are no pauses to take it from.
std::optional<Samples> silence(const std::string& kind, std::size_t count, const Samples& samples,
                               const std::vector<float>& probabilities, std::mt19937& random) {
  Samples made(count);
  if (kind == "zero") return made;
  std::normal_distribution<float> normal;
  if (kind != "room") {
    const auto level = static_cast<float>(std::pow(10, std::stod(kind) / 20));
    for (float& x : made) x = level * normal(random);
    return made;
  }
  auto frames = quiet_frames(probabilities);
  std::erase_if(frames, [&](std::size_t frame) { return frame + kFrame > samples.size(); });
  if (frames.size() < kFewestQuiet) return std::nullopt;
  std::shuffle(frames.begin(), frames.end(), random);
  frames.resize(std::min(frames.size(), kMostQuiet));
  const Samples taps = colour_of(samples, frames);
  Samples coloured(std::min<std::size_t>(count, 4 * kRate));  // and again
  Samples white(coloured.size() + taps.size());
  for (float& x : white) x = normal(random);
  for (std::size_t t = 0; t < taps.size(); ++t) {
    for (std::size_t i = 0; i < coloured.size(); ++i) coloured[i] += taps[t] * white[i + t];
  }
  for (std::size_t i = 0; i < count; ++i) made[i] = coloured[i % coloured.size()];
  return made;
}

/// The middle of the longest pause between speech, or of the recording.
std::size_t pause_of(const Samples& samples, const std::vector<float>& probabilities) {
  const auto spans = speech_spans(probabilities, static_cast<double>(kFrame) / kRate);
  std::size_t place = samples.size() / 2;
  std::size_t longest = 0;
  for (std::size_t i = 0; i + 1 < spans.size(); ++i) {
    const std::size_t pause = spans[i + 1].begin - spans[i].end;
    if (pause > longest) {
      longest = pause;
      place = (spans[i].end + spans[i + 1].begin) * kFrame / 2;
    }
  }
  return place;
}

std::optional<Samples> with_silence(const std::string& condition, const Samples& samples,
                                    const std::vector<float>& probabilities, std::mt19937& random) {
  if (condition == "as-is") return samples;
  const auto parts = split(condition, '_');
  const std::string& where = parts.at(0);
  const auto seconds = std::stod(parts.at(1));
  const auto made = [&] {
    const std::size_t count = static_cast<std::size_t>(seconds * kRate) + random() % kShift;
    return silence(parts.at(2), count, samples, probabilities, random);
  };
  const std::size_t at = where == "between" ? pause_of(samples, probabilities) : 0;
  Samples all;
  const auto put = [&](const Samples& part) { all.insert(all.end(), part.begin(), part.end()); };
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(at);
  put({samples.begin(), middle});
  if (where != "behind") {
    const auto before = made();
    if (!before) return std::nullopt;
    put(*before);
  }
  put({middle, samples.end()});
  if (where == "behind" || where == "both") {
    const auto behind = made();
    if (!behind) return std::nullopt;
    put(*behind);
  }
  return all;
}

}  // namespace

int main(int count, char** words) {
  std::string model_path;
  std::string root;
  std::string list;
  std::string out;
  std::vector<std::string> conditions;
  std::vector<Way> ways;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string option = words[i];
    const std::string value = words[i + 1];
    if (option == "--model") model_path = value;
    if (option == "--root") root = value;
    if (option == "--list") list = value;
    if (option == "--out") out = value;
    if (option == "--condition") conditions.push_back(value);
    if (option == "--rule") ways.push_back(parse_way(value));
  }
  const auto model = bundle::load_torch_model(model_path, "cpu", {TIMBRE_SKELETONS});
  if (!model) {
    std::cerr << model.error().message << '\n';
    return 1;
  }
  const bundle::Manifest& manifest = model.value()->manifest();
  const auto front_end = FrontEnd::create(manifest.front_end);
  if (!front_end || manifest.front_end.sample_rate != kRate) {
    std::cerr << "a model of 16 kHz is needed\n";
    return 1;
  }
  const std::size_t fewest = front_end.value()->samples_for(manifest.shortest_frames);
  const auto detector = silero_detector();
  fs::create_directories(out);
  std::vector<std::ofstream> files;
  for (const std::string& condition : conditions) {
    for (const Way& way : ways) files.emplace_back(fs::path(out) / (condition + "." + way.name), std::ios::binary);
  }
  const std::vector<float> none(manifest.embedding_dim + 2, std::numeric_limits<float>::quiet_NaN());
  const auto write = [](std::ofstream& file, const std::vector<float>& row) {
    file.write(reinterpret_cast<const char*>(row.data()), static_cast<std::streamsize>(row.size() * sizeof(float)));
  };

  std::ifstream paths(list);
  unsigned seed = 0;
  for (std::string path; std::getline(paths, path); ++seed) {
    const Interrupt never;
    const auto audio = decode(AudioPath{root + "/" + path}, kRate, {}, never);
    if (!audio) {
      std::cerr << path << ": " << audio.error().message << '\n';
      return 1;
    }
    const Samples& samples = audio.value().samples;
    const auto probabilities = detector->probabilities(samples).value();
    for (std::size_t c = 0; c < conditions.size(); ++c) {
      std::mt19937 random(static_cast<unsigned>(seed * 31 + c));
      const auto padded = with_silence(conditions[c], samples, probabilities, random);
      std::optional<SpeechReport> heard;
      for (std::size_t w = 0; w < ways.size(); ++w) {
        std::ofstream& file = files[c * ways.size() + w];
        if (!padded) {
          write(file, none);
          continue;
        }
        Samples embedded = *padded;
        if (ways[w].rule) {
          if (!heard) heard = measure_speech(*padded, kRate, *detector).value();
          const auto parts = without_long_pauses(embedded, kRate, heard->spans, *ways[w].rule, fewest);
          keep_parts(embedded, parts, static_cast<std::size_t>(std::llround(ways[w].rule->fade * kRate)));
        }
        const auto features = front_end.value()->compute(embedded);
        const bundle::Utterance one[] = {{&features.value()}};
        const auto embeddings = model.value()->embed(one);
        if (!embeddings || !embeddings.value()[0]) {
          std::cerr << path << " cannot be embedded\n";
          return 1;
        }
        const bundle::Embedding& embedding = embeddings.value()[0].value();
        std::vector<float> row{static_cast<float>(embedded.size()) / kRate,
                               heard ? static_cast<float>(heard->seconds) : 0.0F};
        row.insert(row.end(), embedding.begin(), embedding.end());
        write(file, row);
      }
    }
  }
}
