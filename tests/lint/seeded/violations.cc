// One violation a line, each found by the check named beside it: the test of
// .clang-tidy. Part of no build.
#include <stdio.h>  // modernize-deprecated-headers

#include <string>
#include <utility>
#include <vector>

#include "common/base/mutex.h"

namespace fedgap {

struct bad_name {  // readability-identifier-naming
  int value = 0;
};

class Implicit {
 public:
  Implicit(int value) : value_(value) {}  // google-explicit-constructor
  virtual int Get() const { return value_; }

 private:
  int value_;
};

class Derived : public Implicit {
 public:
  using Implicit::Implicit;
  virtual int Get() const { return 1; }  // modernize-use-override
};

std::string Twice(std::string text) {
  std::vector<std::string> parts;
  parts.push_back(std::move(text));
  return parts[0] + text;  // bugprone-use-after-move
}

int Sum(const std::vector<std::string> texts) {  // performance-unnecessary
  int sum = 0;
  for (const std::string text : texts) {  // performance-for-range-copy
    sum += static_cast<int>(text.size());
  }
  return sum;
}

int Cast(double value) {
  return (int)value;  // google-readability-casting
}

class Counter {
 public:
  void Increment() { ++count_; }  // clang-diagnostic-thread-safety-analysis

 private:
  Mutex mutex_;
  int count_ GUARDED_BY(mutex_) = 0;
};

}  // namespace fedgap
