#include <stddef.h>

// All of these belong to the main thread.

// window_new makes a window that is not shown yet, or gives NULL if there is no display.
void *window_new(const char *title, const void *icon, size_t icon_size);

// window_attach finishes and shows a window that has its web view. The view never leaves origin, which ends in "/".
void window_attach(void *window, const char *origin, int inspector);

void window_raise(void *window);
void window_close(void *window);
// window_ask puts a question into a dialog of its own, which the page can't reach; windowAnswered hears the answer.
// window_ask_over takes the dialog away unanswered.
void window_ask(const char *id, const char *text, const char *subject);
void window_ask_over(void);

void window_eval(void *window, const char *script);
