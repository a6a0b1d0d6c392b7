// A real Chromium, driven as W3C WebDriver has it, for tests of pages.
#ifndef FEDGAP_TESTS_TESTING_BROWSER_H_
#define FEDGAP_TESTS_TESTING_BROWSER_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/testing/process.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {

// One window, with a profile of its own. One thread at a time.
class Browser {
 public:
  // Whether this machine has one (Debian's chromium-driver).
  static bool IsInstalled();

  Browser();
  ~Browser();
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;

  // The page's inner size, in CSS pixels. Not the window's, which is never
  // narrower than 500.
  void Resize(int width, int height);
  // Returns when the page has loaded.
  void Open(const std::string& url);
  // What `script`, the body of a function, returns, as text.
  std::string Run(const std::string& script);
  // The page's text as a person sees it.
  std::string Text() { return Run("return document.body.innerText"); }
  // Wait until the page's text holds `text`, until `script` returns true; fail
  // with the page's text otherwise.
  testing::AssertionResult WaitForText(const std::string& text);
  testing::AssertionResult WaitUntil(const std::string& script);
  // The console's errors since the last call; a violation of the page's policy
  // is one.
  std::string Errors();

 private:
  struct Driver;
  TempDir profile_;
  std::unique_ptr<Driver> driver_;
};

}  // namespace fedgap

#endif  // FEDGAP_TESTS_TESTING_BROWSER_H_
