// Turns by other recipes than the one that is built in for the model, and by that one. What the networks say of a
// recording is computed once and kept, and everything behind them runs again for each recipe. bench/js/recipes.mjs runs
// it and makes error rates of what it writes.
//
//   build-bench/bench/native/recipes --model BUNDLE --segmentation BUNDLE --cache FOLDER --list FILE
//       --recipe NAME --recipe NAME=FIELD:VALUE,FIELD:VALUE ... [--least N] [--most N]
//
// FILE has a recording's path a line. A line of JSON is written for every recording and recipe: the recording's place
// in the list, the recipe's name, the share of its pieces that are embedded, and turns as [start, end, speaker]. How
// far apart windows and pieces lie is no part of a recipe here: it decides what is kept.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "audio/decode.h"
#include "bundle/segmentation_model.h"
#include "bundle/torch_model.h"
#include "conversation/diariser.h"
#include "stage.h"

namespace {

namespace fs = std::filesystem;
using namespace timbre;
using bench::take;
using conversation::Diariser;
using conversation::Recipe;

constexpr double kLongest = 4 * 3600;  // seconds

const std::map<std::string, double Recipe::*> kFields = {
    {"full_share", &Recipe::full_share},
    {"founder", &Recipe::founder},
    {"link", &Recipe::link},
    {"pure", &Recipe::pure},
    {"kappa", &Recipe::kappa},
    {"merge", &Recipe::merge},
    {"window_weight", &Recipe::window_weight},
    {"window_floor", &Recipe::window_floor},
    {"smallest", &Recipe::smallest},
    {"stranger", &Recipe::stranger},
    {"stranger_link", &Recipe::stranger_link},
    {"stranger_seconds", &Recipe::stranger_seconds},
    {"stranger_share", &Recipe::stranger_share},
    {"stranger_enough", &Recipe::stranger_enough},
    {"trusted_first", &Recipe::trusted_first},
    {"trusted_afterwards", &Recipe::trusted_afterwards},
    {"beta", &Recipe::beta},
    {"rounding", &Recipe::rounding},
    {"fill", &Recipe::fill},
    {"drop", &Recipe::drop},
};
const std::map<std::string, int Recipe::*> kWholeFields = {
    {"rounds", &Recipe::rounds},
    {"passes", &Recipe::passes},
    {"steady_hop", &Recipe::steady_hop},
};

struct Named {
  std::string name;
  Recipe recipe;
};

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> parts;
  std::stringstream in(text);
  for (std::string part; std::getline(in, part, by);) parts.push_back(part);
  return parts;
}

/// Ends the program for a field that there is not.
Named parse_recipe(const std::string& text, const Recipe& built_in) {
  const std::size_t end = std::min(text.find('='), text.size());
  Named named{text.substr(0, end), built_in};
  if (end == text.size()) return named;
  for (const std::string& setting : split(text.substr(end + 1), ',')) {
    const auto parts = split(setting, ':');
    const auto field = kFields.find(parts.at(0));
    const auto whole = kWholeFields.find(parts[0]);
    if (parts.size() == 2 && field != kFields.end()) {
      named.recipe.*field->second = std::stod(parts[1]);
    } else if (parts.size() == 2 && whole != kWholeFields.end()) {
      named.recipe.*whole->second = std::stoi(parts[1]);
    } else {
      std::cerr << "a recipe has no " << setting << '\n';
      std::exit(1);
    }
  }
  return named;
}

/// What the networks said of a recording, in the order in which they were asked, where every piece is embedded.
struct Heard {
  std::uint64_t samples = 0;
  std::vector<std::vector<float>> windows;
  std::vector<std::vector<float>> pieces;
};

using Embedding = std::function<std::vector<float>(std::size_t piece)>;

void write_rows(std::ostream& out, const std::vector<std::vector<float>>& rows) {
  const std::uint64_t size[] = {rows.size(), rows.empty() ? 0 : rows[0].size()};
  out.write(reinterpret_cast<const char*>(size), sizeof(size));
  for (const auto& row : rows) {
    out.write(reinterpret_cast<const char*>(row.data()), static_cast<std::streamsize>(row.size() * sizeof(float)));
  }
}

std::vector<std::vector<float>> read_rows(std::istream& in) {
  std::uint64_t size[2] = {};
  in.read(reinterpret_cast<char*>(size), sizeof(size));
  std::vector<std::vector<float>> rows(in ? size[0] : 0, std::vector<float>(size[1]));
  for (auto& row : rows) {
    in.read(reinterpret_cast<char*>(row.data()), static_cast<std::streamsize>(row.size() * sizeof(float)));
  }
  return rows;
}

Status one_by_one(std::size_t count, const std::function<Status(std::size_t)>& body) {
  for (std::size_t i = 0; i < count; ++i) {
    if (auto done = body(i); !done) return done;
  }
  return ok();
}

/// The networks, loaded when the first recording needs them.
class Networks {
 public:
  Networks(std::string model, std::string segmentation)
      : model_path_(std::move(model)), segmentation_path_(std::move(segmentation)) {}

  Heard hear(const std::string& path) {
    if (!model_) {
      model_ = take(bundle::load_torch_model(model_path_, "cpu", {TIMBRE_SKELETONS}));
      front_end_ = take(FrontEnd::create(model_->manifest().front_end));
      network_ = take(bundle::load_segmentation_model(segmentation_path_, {TIMBRE_SKELETONS})).network;
    }
    Heard heard;
    AudioLimits limits;
    limits.max_seconds = kLongest;
    const Audio audio = take(decode(AudioPath{path}, conversation::kSampleRate, limits, kUninterrupted));
    heard.samples = audio.samples.size();
    const auto segment = [&](std::span<const std::vector<float>> windows, const Interrupt& interrupt) {
      auto found = network_->log_probabilities(windows, interrupt);
      if (found) heard.windows.insert(heard.windows.end(), found.value().begin(), found.value().end());
      return found;
    };
    const auto embed = [&](std::span<const std::span<const float>> pieces) {
      std::vector<std::vector<float>> embeddings;
      for (const auto piece : pieces) {
        const Matrix features = take(front_end_->compute(piece));
        const bundle::Utterance one[] = {{&features}};
        embeddings.push_back(take(std::move(take(model_->embed(one))[0])));
        heard.pieces.push_back(embeddings.back());
      }
      return Result<std::vector<std::vector<float>>>(std::move(embeddings));
    };
    Diariser diariser({}, {.segment = segment, .embed = embed, .for_each = one_by_one});
    if (const auto added = diariser.add(audio.samples); !added) take(Result<int>(added.error()));
    take(diariser.finish({}));
    return heard;
  }

 private:
  const std::string model_path_;
  const std::string segmentation_path_;
  std::unique_ptr<const bundle::Model> model_;
  std::unique_ptr<const FrontEnd> front_end_;
  std::shared_ptr<const conversation::SegmentationNetwork> network_;
};

Heard heard_of(const std::string& path, const fs::path& kept, Networks& networks) {
  if (std::ifstream in(kept, std::ios::binary); in) {
    Heard heard;
    in.read(reinterpret_cast<char*>(&heard.samples), sizeof(heard.samples));
    heard.windows = read_rows(in);
    heard.pieces = read_rows(in);
    if (in) return heard;
  }
  Heard heard = networks.hear(path);
  const fs::path part = kept.string() + ".part";
  {
    std::ofstream out(part, std::ios::binary);
    out.write(reinterpret_cast<const char*>(&heard.samples), sizeof(heard.samples));
    write_rows(out, heard.windows);
    write_rows(out, heard.pieces);
  }
  fs::rename(part, kept);
  return heard;
}

/// `embed` is given the piece's place, in hops.
conversation::Conversation turns_by(const Recipe& recipe, const Heard& heard, const Embedding& embed,
                                    const conversation::SpeakerCounts& counts) {
  // Every sample in the middle of a piece says which piece it is.
  const auto hop = static_cast<std::size_t>(recipe.piece_hop * conversation::kSampleRate);
  std::vector<float> samples(heard.samples);
  for (std::size_t at = 0; at * hop < samples.size(); ++at) samples[at * hop] = static_cast<float>(at);
  std::size_t window = 0;
  const auto segment = [&](std::span<const std::vector<float>>, const Interrupt&) {
    return Result<std::vector<std::vector<float>>>({heard.windows.at(window++)});
  };
  const auto embed_pieces = [&](std::span<const std::span<const float>> pieces) {
    std::vector<std::vector<float>> embeddings;
    for (const auto piece : pieces) embeddings.push_back(embed(static_cast<std::size_t>(piece[piece.size() / 2])));
    return Result<std::vector<std::vector<float>>>(std::move(embeddings));
  };
  Diariser diariser(recipe, {.segment = segment, .embed = embed_pieces, .for_each = one_by_one});
  if (const auto added = diariser.add(samples); !added) take(Result<int>(added.error()));
  return take(diariser.finish(counts));
}

/// Which of the kept embeddings is which piece's.
std::map<std::size_t, std::size_t> places_of(const Heard& heard) {
  std::map<std::size_t, std::size_t> places;
  const auto note = [&](std::size_t piece) {
    const std::size_t next = places.size();
    places.emplace(piece, next);
    return heard.pieces.at(next);
  };
  turns_by({}, heard, note, {});
  return places;
}

}  // namespace

int main(int count, char** words) {
  std::map<std::string, std::string> options;
  std::vector<std::string> wanted;
  for (int i = 1; i + 1 < count; i += 2) {
    if (const std::string option = words[i]; option == "--recipe") {
      wanted.emplace_back(words[i + 1]);
    } else {
      options[option] = words[i + 1];
    }
  }
  const auto counted = [&](const std::string& option, std::size_t otherwise) {
    return options.contains(option) ? std::stoul(options[option]) : otherwise;
  };
  const conversation::SpeakerCounts counts{counted("--least", 1), counted("--most", 0)};
  const fs::path cache = options["--cache"];
  fs::create_directories(cache);
  const Recipe built_in = conversation::recipe_for(take(bundle::read_manifest(options["--model"])).family);
  std::vector<Named> recipes;
  for (const std::string& text : wanted) recipes.push_back(parse_recipe(text, built_in));
  Networks networks(options["--model"], options["--segmentation"]);
  std::ifstream paths(options["--list"]);
  std::size_t place = 0;
  for (std::string path; std::getline(paths, path); ++place) {
    const Heard heard = heard_of(path, cache / (fs::path(path).stem().string() + ".heard"), networks);
    const auto places = places_of(heard);
    for (const auto& [name, recipe] : recipes) {
      std::size_t embedded = 0;
      const auto kept = [&](std::size_t piece) {
        ++embedded;
        return heard.pieces.at(places.at(piece));
      };
      const auto found = turns_by(recipe, heard, kept, counts);
      std::cout << "{\"recording\":" << place << ",\"recipe\":\"" << name
                << "\",\"embedded\":" << static_cast<double>(embedded) / static_cast<double>(places.size())
                << ",\"turns\":[";
      for (std::size_t i = 0; i < found.turns.size(); ++i) {
        const auto& turn = found.turns[i];
        std::cout << (i == 0 ? "" : ",") << '[' << turn.start << ',' << turn.end << ',' << turn.speaker << ']';
      }
      std::cout << "]}\n";
    }
  }
}
