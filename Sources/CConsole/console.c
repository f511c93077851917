#include "CConsole.h"

// The console's files as they lie in `files/`, put into the executable by the compiler.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char answer_js[] = {
#embed "files/answer.js"
};
static const unsigned char api_js[] = {
#embed "files/api.js"
};
static const unsigned char app_js[] = {
#embed "files/app.js"
};
static const unsigned char charts_js[] = {
#embed "files/charts.js"
};
static const unsigned char chat_js[] = {
#embed "files/chat.js"
};
static const unsigned char chinese_js[] = {
#embed "files/chinese.js"
};
static const unsigned char console_css[] = {
#embed "files/console.css"
};
static const unsigned char data_js[] = {
#embed "files/data.js"
};
static const unsigned char dom_js[] = {
#embed "files/dom.js"
};
static const unsigned char evaluate_js[] = {
#embed "files/evaluate.js"
};
static const unsigned char experts_js[] = {
#embed "files/experts.js"
};
static const unsigned char form_js[] = {
#embed "files/form.js"
};
static const unsigned char icon_svg[] = {
#embed "files/icon.svg"
};
static const unsigned char index_html[] = {
#embed "files/index.html"
};
static const unsigned char jobs_js[] = {
#embed "files/jobs.js"
};
static const unsigned char messages_js[] = {
#embed "files/messages.js"
};
static const unsigned char server_js[] = {
#embed "files/server.js"
};
static const unsigned char strings_js[] = {
#embed "files/strings.js"
};
static const unsigned char tune_js[] = {
#embed "files/tune.js"
};
static const unsigned char turns_js[] = {
#embed "files/turns.js"
};
static const unsigned char yaml_js[] = {
#embed "files/yaml.js"
};

static const struct facet_console_file files[] = {
    {"answer.js", answer_js, sizeof answer_js},
    {"api.js", api_js, sizeof api_js},
    {"app.js", app_js, sizeof app_js},
    {"charts.js", charts_js, sizeof charts_js},
    {"chat.js", chat_js, sizeof chat_js},
    {"chinese.js", chinese_js, sizeof chinese_js},
    {"console.css", console_css, sizeof console_css},
    {"data.js", data_js, sizeof data_js},
    {"dom.js", dom_js, sizeof dom_js},
    {"evaluate.js", evaluate_js, sizeof evaluate_js},
    {"experts.js", experts_js, sizeof experts_js},
    {"form.js", form_js, sizeof form_js},
    {"icon.svg", icon_svg, sizeof icon_svg},
    {"index.html", index_html, sizeof index_html},
    {"jobs.js", jobs_js, sizeof jobs_js},
    {"messages.js", messages_js, sizeof messages_js},
    {"server.js", server_js, sizeof server_js},
    {"strings.js", strings_js, sizeof strings_js},
    {"tune.js", tune_js, sizeof tune_js},
    {"turns.js", turns_js, sizeof turns_js},
    {"yaml.js", yaml_js, sizeof yaml_js},
};

const struct facet_console_file *facet_console_files(void) { return files; }

size_t facet_console_file_count(void) { return sizeof files / sizeof files[0]; }
