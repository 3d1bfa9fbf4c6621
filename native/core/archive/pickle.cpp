// Format: Python's Lib/pickletools.py (opcodes up to protocol 2); PyTorch's torch/_utils.py and torch/serialization.py
// (which globals a checkpoint refers to, and their arguments).
#include "archive/pickle.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <unordered_map>

#include "archive/bytes.h"
#include "support/text.h"

namespace timbre::archive {

namespace {

using Kind = PickleValue::Kind;

constexpr std::size_t kMaxValues = 500'000;
constexpr std::size_t kMaxDimensions = 8;
constexpr std::uint32_t kDropped = 0;  ///< the one value that stands for everything dropped

struct Element {
  ElementType type;
  std::string_view name;
  std::string_view storage;
  std::size_t bytes;
};
constexpr std::array kElements = {
    Element{ElementType::float32, "float32", "FloatStorage", 4},
    Element{ElementType::float64, "float64", "DoubleStorage", 8},
    Element{ElementType::float16, "float16", "HalfStorage", 2},
    Element{ElementType::bfloat16, "bfloat16", "BFloat16Storage", 2},
    Element{ElementType::int64, "int64", "LongStorage", 8},
    Element{ElementType::int32, "int32", "IntStorage", 4},
    Element{ElementType::int16, "int16", "ShortStorage", 2},
    Element{ElementType::int8, "int8", "CharStorage", 1},
    Element{ElementType::uint8, "uint8", "ByteStorage", 1},
    Element{ElementType::boolean, "bool", "BoolStorage", 1},
};

/// Globals a checkpoint may name. Storage types follow as kStorageGlobal plus their place in kElements.
enum Global : std::int64_t { kOrderedDict, kSize, kRebuildTensor, kRebuildParameter, kStorageGlobal };

std::optional<std::int64_t> find_global(std::string_view module, std::string_view name) {
  if (module == "collections" && name == "OrderedDict") {
    return kOrderedDict;
  }
  if (module == "torch._utils" && name == "_rebuild_tensor_v2") {
    return kRebuildTensor;
  }
  if (module == "torch._utils" && name == "_rebuild_parameter") {
    return kRebuildParameter;
  }
  if (module == "torch" && name == "Size") {
    return kSize;
  }
  const auto element =
      std::find_if(kElements.begin(), kElements.end(), [&](const Element& e) { return e.storage == name; });
  if (module == "torch" && element != kElements.end()) {
    return kStorageGlobal + (element - kElements.begin());
  }
  return std::nullopt;
}

std::string hexadecimal(std::uint8_t byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  return {'0', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
}

/// The stack machine of a pickle. The first error stops it.
class Unpickler {
 public:
  explicit Unpickler(std::string_view bytes) : bytes_(bytes) { pickle_.values.emplace_back(); }

  Result<Pickle> run() {
    while (!done_ && !error_) {
      step();
      if (!bytes_.ok() && !error_) {
        fail("it is cut short");
      }
    }
    if (error_) {
      return *std::move(error_);
    }
    return std::move(pickle_);
  }

 private:
  void fail(const std::string& what) {
    if (!error_) {
      error_ = Error{ErrorCode::MODEL_INVALID, "the checkpoint's pickle cannot be read: " + what};
    }
  }

  std::uint32_t make(PickleValue value) {
    if (pickle_.values.size() >= kMaxValues) {
      fail("it holds more than " + std::to_string(kMaxValues) + " values");
      return kDropped;
    }
    pickle_.values.push_back(std::move(value));
    return static_cast<std::uint32_t>(pickle_.values.size() - 1);
  }
  std::uint32_t make(Kind kind, std::int64_t integer = 0) { return make(PickleValue{kind, integer, {}, {}}); }

  const PickleValue& at(std::uint32_t id) const { return pickle_.values[id]; }
  bool is(std::uint32_t id, Kind kind) const { return at(id).kind == kind; }

  void push(std::uint32_t id) { stack_.push_back(id); }

  /// Values above the last mark belong to an opcode that has yet to come: nothing else may take them.
  bool has(std::size_t count) {
    const std::size_t floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() - floor >= count) {
      return true;
    }
    fail("its stack runs empty");
    return false;
  }

  std::uint32_t pop() {
    if (!has(1)) {
      return kDropped;
    }
    const std::uint32_t id = stack_.back();
    stack_.pop_back();
    return id;
  }

  std::vector<std::uint32_t> pop_count(std::size_t count) {
    if (!has(count)) {
      return {};
    }
    std::vector<std::uint32_t> items(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return items;
  }

  std::vector<std::uint32_t> pop_mark() {
    if (marks_.empty()) {
      fail("a mark is missing");
      return {};
    }
    const std::size_t count = stack_.size() - marks_.back();
    std::vector<std::uint32_t> items = pop_count(count);
    marks_.pop_back();
    return items;
  }

  void tuple(std::vector<std::uint32_t> items) { push(make(PickleValue{Kind::tuple, 0, {}, std::move(items)})); }

  void put(std::uint32_t key) {
    if (has(1)) {
      memo_[key] = stack_.back();
    }
  }

  void get(std::uint32_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) {
      fail("it recalls value " + std::to_string(key) + ", which it never stored");
    } else {
      push(found->second);
    }
  }

  void add(const std::vector<std::uint32_t>& items) {
    if (!has(1)) {
      return;
    }
    PickleValue& dictionary = pickle_.values[stack_.back()];
    if (dictionary.kind != Kind::dictionary || items.size() % 2 != 0) {
      fail("it sets items of what is no dictionary");
      return;
    }
    dictionary.items.insert(dictionary.items.end(), items.begin(), items.end());
  }

  void global() {
    const std::string_view module = bytes_.take_until('\n');
    const std::string_view name = bytes_.take_until('\n');
    if (!bytes_.ok()) {
      return;
    }
    if (const auto known = find_global(module, name)) {
      push(make(Kind::global, *known));
      return;
    }
    fail("it refers to " + quote(std::string(module) + "." + std::string(name)) +
         ", which is no tensor: refused, and nothing was run. Save only the tensors: "
         "torch.save(model.state_dict(), 'file.ckpt')");
  }

  /// ('storage', type, key, device, elements)
  void storage() {
    const std::uint32_t id = pop();
    const std::vector<std::uint32_t>& items = at(id).items;
    if (!is(id, Kind::tuple) || items.size() != 5 || at(items[0]).text != "storage" || !is(items[1], Kind::global) ||
        at(items[1]).integer < kStorageGlobal || !is(items[2], Kind::string) || !is(items[4], Kind::integer)) {
      fail("it refers to something outside it that is no tensor's storage");
      return;
    }
    StoredTensor tensor;
    tensor.type = kElements[static_cast<std::size_t>(at(items[1]).integer - kStorageGlobal)].type;
    tensor.storage = at(items[2]).text;
    tensor.storage_elements = at(items[4]).integer;
    storages_.push_back(tensor);
    push(make(Kind::storage, static_cast<std::int64_t>(storages_.size() - 1)));
  }

  std::optional<std::vector<std::int64_t>> integers(std::uint32_t id) const {
    const PickleValue& value = at(id);
    if (value.kind != Kind::tuple || value.items.size() > kMaxDimensions ||
        !std::all_of(value.items.begin(), value.items.end(), [&](auto item) { return is(item, Kind::integer); })) {
      return std::nullopt;
    }
    std::vector<std::int64_t> numbers;
    numbers.reserve(value.items.size());
    for (const std::uint32_t item : value.items) {
      numbers.push_back(at(item).integer);
    }
    return numbers;
  }

  /// (storage, offset, shape, strides, requires_grad, backward_hooks[, metadata])
  void rebuild_tensor(const std::vector<std::uint32_t>& arguments) {
    if (arguments.size() >= 6 && is(arguments[0], Kind::storage) && is(arguments[1], Kind::integer)) {
      StoredTensor tensor = storages_[static_cast<std::size_t>(at(arguments[0]).integer)];
      tensor.offset = at(arguments[1]).integer;
      auto shape = integers(arguments[2]);
      auto strides = integers(arguments[3]);
      if (shape && strides && shape->size() == strides->size()) {
        tensor.shape = *std::move(shape);
        tensor.strides = *std::move(strides);
        pickle_.tensors.push_back(std::move(tensor));
        push(make(Kind::tensor, static_cast<std::int64_t>(pickle_.tensors.size() - 1)));
        return;
      }
    }
    fail("it describes a tensor in a way that torch.save does not");
  }

  void reduce() {
    const std::uint32_t arguments_id = pop();
    const std::uint32_t callable = pop();
    if (error_) {
      return;
    }
    if (!is(callable, Kind::global) || !is(arguments_id, Kind::tuple)) {
      fail("it calls something that is no known function: refused, and nothing was run");
      return;
    }
    const std::vector<std::uint32_t>& arguments = at(arguments_id).items;
    const std::int64_t function = at(callable).integer;
    // A parameter is its tensor, a size its tuple.
    const bool wraps_first = (function == kRebuildParameter && !arguments.empty() && is(arguments[0], Kind::tensor)) ||
                             (function == kSize && arguments.size() == 1 && is(arguments[0], Kind::tuple));
    if (function == kOrderedDict && arguments.empty()) {
      push(make(Kind::dictionary));
    } else if (function == kRebuildTensor) {
      rebuild_tensor(arguments);
    } else if (wraps_first) {
      push(arguments[0]);
    } else {
      fail("it calls a known function with arguments that torch.save does not write");
    }
  }

  /// State that an OrderedDict carries beside its items (a state dict's _metadata) holds no tensors.
  void build() {
    pop();
    if (has(1) && !is(stack_.back(), Kind::dictionary)) {
      fail("it gives attributes to what is no dictionary");
    }
  }

  /// Two's complement, little-endian, of any length; those beyond 64 bits are nobody's sizes.
  void long_integer() {
    const std::string_view digits = bytes_.take(bytes_.take<std::uint8_t>());
    if (digits.size() > 8) {
      push(kDropped);
      return;
    }
    std::int64_t value = !digits.empty() && (digits.back() & 0x80) != 0 ? -1 : 0;
    for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
      value = static_cast<std::int64_t>(static_cast<std::uint64_t>(value) << 8 | static_cast<std::uint8_t>(*digit));
    }
    push(make(Kind::integer, value));
  }

  void step() {
    const auto opcode = bytes_.take<std::uint8_t>();
    if (!bytes_.ok()) {
      return;
    }
    switch (opcode) {
      case 0x80:  // PROTO
        if (const auto protocol = bytes_.take<std::uint8_t>(); protocol != 2) {
          fail("it has pickle protocol " + std::to_string(protocol) +
               ", only 2 is read: save it with torch.save's default");
        }
        break;
      case '}':  // EMPTY_DICT
        push(make(Kind::dictionary));
        break;
      case ']':   // EMPTY_LIST
      case 'N':   // NONE
      case 0x88:  // NEWTRUE
      case 0x89:  // NEWFALSE
        push(kDropped);
        break;
      case 'G':  // BINFLOAT
        bytes_.take(8);
        push(kDropped);
        break;
      case 'J':  // BININT
        push(make(Kind::integer, bytes_.take<std::int32_t>()));
        break;
      case 'K':  // BININT1
        push(make(Kind::integer, bytes_.take<std::uint8_t>()));
        break;
      case 'M':  // BININT2
        push(make(Kind::integer, bytes_.take<std::uint16_t>()));
        break;
      case 0x8a:  // LONG1
        long_integer();
        break;
      case 'X':  // BINUNICODE
        push(make(PickleValue{Kind::string, 0, bytes_.take(bytes_.take<std::uint32_t>()), {}}));
        break;
      case '(':  // MARK
        marks_.push_back(stack_.size());
        break;
      case ')':  // EMPTY_TUPLE
        tuple({});
        break;
      case 't':  // TUPLE
        tuple(pop_mark());
        break;
      case 0x85:  // TUPLE1, TUPLE2, TUPLE3
      case 0x86:
      case 0x87:
        tuple(pop_count(opcode - 0x84U));
        break;
      case 'a':  // APPEND
        pop();
        has(1);
        break;
      case 'e':  // APPENDS
        pop_mark();
        has(1);
        break;
      case 's':  // SETITEM
        add(pop_count(2));
        break;
      case 'u':  // SETITEMS
        add(pop_mark());
        break;
      case 'q':  // BINPUT
        put(bytes_.take<std::uint8_t>());
        break;
      case 'r':  // LONG_BINPUT
        put(bytes_.take<std::uint32_t>());
        break;
      case 'h':  // BINGET
        get(bytes_.take<std::uint8_t>());
        break;
      case 'j':  // LONG_BINGET
        get(bytes_.take<std::uint32_t>());
        break;
      case 'c':  // GLOBAL
        global();
        break;
      case 'Q':  // BINPERSID
        storage();
        break;
      case 'R':  // REDUCE
        reduce();
        break;
      case 'b':  // BUILD
        build();
        break;
      case '.':  // STOP
        pickle_.root = pop();
        done_ = true;
        break;
      default:
        fail("it has opcode " + hexadecimal(opcode) + ", which torch.save does not write: refused");
    }
  }

  LittleEndianReader bytes_;
  Pickle pickle_;
  std::vector<StoredTensor> storages_;
  std::vector<std::uint32_t> stack_;
  std::vector<std::size_t> marks_;  ///< sizes of the stack
  std::unordered_map<std::uint32_t, std::uint32_t> memo_;
  std::optional<Error> error_;
  bool done_ = false;
};

const Element& element(ElementType type) {
  return *std::find_if(kElements.begin(), kElements.end(), [&](const Element& e) { return e.type == type; });
}

}  // namespace

std::string_view name(ElementType type) { return element(type).name; }
std::size_t bytes_of(ElementType type) { return element(type).bytes; }

bool is_floating(ElementType type) {
  return type == ElementType::float32 || type == ElementType::float64 || type == ElementType::float16 ||
         type == ElementType::bfloat16;
}

Result<Pickle> unpickle(std::string_view bytes) { return Unpickler(bytes).run(); }

}  // namespace timbre::archive
