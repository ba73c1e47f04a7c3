//go:build webview

#include "window_linux.h"

#include "_cgo_export.h"

#include <gtk/gtk.h>
#include <string.h>
#include <webkit2/webkit2.h>
#ifdef GDK_WINDOWING_X11
#include <gdk/gdkx.h>
#endif

static GtkWindow *main_window; // NULL once it is closed
static WebKitWebView *view;
static char *home;             // the page's origin
static gboolean inspected;     // the inspector has been shown once
static int deaths;             // of the process that draws the page, since a page was last loaded for good

static void closed(GtkWidget *w, gpointer arg) {
  main_window = NULL;
  view = NULL;
  gtk_main_quit();
}

void *window_new(const char *title, const void *icon, size_t icon_size) {
  // Panels find the .desktop file, and so the icon and the name, by the program's name at this moment.
  g_set_prgname("openvibez");
  if (!gtk_init_check(NULL, NULL)) return NULL;

  main_window = GTK_WINDOW(gtk_window_new(GTK_WINDOW_TOPLEVEL));
  gtk_window_set_title(main_window, title);
  GdkPixbufLoader *loader = gdk_pixbuf_loader_new();
  if (gdk_pixbuf_loader_write(loader, icon, icon_size, NULL) && gdk_pixbuf_loader_close(loader, NULL))
    gtk_window_set_icon(main_window, gdk_pixbuf_loader_get_pixbuf(loader));
  g_object_unref(loader);

  int width = 1100, height = 760;
  GdkMonitor *monitor = gdk_display_get_primary_monitor(gdk_display_get_default());
  if (!monitor) monitor = gdk_display_get_monitor(gdk_display_get_default(), 0);
  if (monitor) {
    GdkRectangle area;
    gdk_monitor_get_workarea(monitor, &area);
    width = MIN(width, area.width);
    height = MIN(height, area.height);
  }
  gtk_window_set_default_size(main_window, width, height);
  gtk_widget_set_size_request(GTK_WIDGET(main_window), 420, 480);
  g_signal_connect(main_window, "destroy", G_CALLBACK(closed), NULL);
  gtk_widget_realize(GTK_WIDGET(main_window));

  // WebKit names its directories after the program; under "openvibez" they would end up among the host's own.
  g_set_prgname("openvibez-window");
  // One page that comes from this machine needs no cache.
  webkit_web_context_set_cache_model(webkit_web_context_get_default(), WEBKIT_CACHE_MODEL_DOCUMENT_VIEWER);
  return main_window;
}

static gboolean decide(WebKitWebView *v, WebKitPolicyDecision *d, WebKitPolicyDecisionType type, gpointer arg) {
  if (type == WEBKIT_POLICY_DECISION_TYPE_RESPONSE) return FALSE;
  WebKitNavigationAction *action =
      webkit_navigation_policy_decision_get_navigation_action(WEBKIT_NAVIGATION_POLICY_DECISION(d));
  const char *uri = webkit_uri_request_get_uri(webkit_navigation_action_get_request(action));
  if (type == WEBKIT_POLICY_DECISION_TYPE_NAVIGATION_ACTION && g_str_has_prefix(uri, home)) return FALSE;
  // What the page itself has made, as an exported chat, is saved.
  if (g_str_has_prefix(uri, "blob:") && g_str_has_prefix(uri + strlen("blob:"), home)) webkit_policy_decision_download(d);
  else webkit_policy_decision_ignore(d);
  return TRUE;
}

// save_as puts a file where the person's downloads go, beside those of the same name.
static gboolean save_as(WebKitDownload *d, char *suggested, gpointer arg) {
  const char *dir = g_get_user_special_dir(G_USER_DIRECTORY_DOWNLOAD);
  if (!dir) dir = g_get_home_dir();
  g_mkdir_with_parents(dir, 0700);
  char *name = g_path_get_basename(suggested);
  char *ending = strrchr(name, '.');
  int stem = ending && ending != name ? ending - name : (int)strlen(name);
  char *path = g_build_filename(dir, name, NULL);
  for (int n = 1; g_file_test(path, G_FILE_TEST_EXISTS); n++) {
    char *next = g_strdup_printf("%.*s (%d)%s", stem, name, n, name + stem);
    g_free(path);
    path = g_build_filename(dir, next, NULL);
    g_free(next);
  }
  char *uri = g_filename_to_uri(path, NULL, NULL);
  if (uri) webkit_download_set_destination(d, uri);
  g_free(uri);
  g_free(path);
  g_free(name);
  return TRUE;
}

static void download_started(WebKitWebContext *c, WebKitDownload *d, gpointer arg) {
  g_signal_connect(d, "decide-destination", G_CALLBACK(save_as), NULL);
}

static gboolean reload(gpointer uri) {
  if (view) webkit_web_view_load_uri(view, uri);
  g_free(uri);
  return G_SOURCE_REMOVE;
}

static gboolean load_failed(WebKitWebView *v, WebKitLoadEvent e, char *uri, GError *err, gpointer arg) {
  if (g_error_matches(err, WEBKIT_NETWORK_ERROR, WEBKIT_NETWORK_ERROR_CANCELLED) ||
      g_error_matches(err, WEBKIT_POLICY_ERROR, WEBKIT_POLICY_ERROR_FRAME_LOAD_INTERRUPTED_BY_POLICY_CHANGE))
    return FALSE;
  // The host is being restarted. If it does not come back, the link ends the window.
  g_timeout_add(500, reload, g_strdup(uri));
  return TRUE;
}

static void load_changed(WebKitWebView *v, WebKitLoadEvent e, gpointer inspector) {
  if (e != WEBKIT_LOAD_FINISHED) return;
  if (inspector && !inspected) {
    inspected = TRUE;
    webkit_web_inspector_show(webkit_web_view_get_inspector(v));
  }
}

static gboolean forgive(gpointer arg) {
  deaths = 0;
  return G_SOURCE_REMOVE;
}

static void process_died(WebKitWebView *v, WebKitWebProcessTerminationReason why, gpointer arg) {
  g_printerr("openvibez-window: the process that draws the page ended (reason %d)\n", why);
  if (++deaths > 3) {
    gtk_window_close(main_window);
    return;
  }
  if (deaths == 1) g_timeout_add_seconds(60, forgive, NULL);
  webkit_web_view_reload(v);
}

// context_menu takes away what leads out of the page.
static gboolean context_menu(WebKitWebView *v, WebKitContextMenu *menu, GdkEvent *e, WebKitHitTestResult *hit,
                             gpointer arg) {
  GList *items = g_list_copy(webkit_context_menu_get_items(menu));
  for (GList *i = items; i; i = i->next) switch (webkit_context_menu_item_get_stock_action(i->data)) {
      case WEBKIT_CONTEXT_MENU_ACTION_OPEN_LINK:
      case WEBKIT_CONTEXT_MENU_ACTION_OPEN_LINK_IN_NEW_WINDOW:
      case WEBKIT_CONTEXT_MENU_ACTION_DOWNLOAD_LINK_TO_DISK:
      case WEBKIT_CONTEXT_MENU_ACTION_OPEN_IMAGE_IN_NEW_WINDOW:
      case WEBKIT_CONTEXT_MENU_ACTION_DOWNLOAD_IMAGE_TO_DISK:
      case WEBKIT_CONTEXT_MENU_ACTION_OPEN_FRAME_IN_NEW_WINDOW:
      case WEBKIT_CONTEXT_MENU_ACTION_GO_BACK:
      case WEBKIT_CONTEXT_MENU_ACTION_GO_FORWARD:
      case WEBKIT_CONTEXT_MENU_ACTION_STOP:
        webkit_context_menu_remove(menu, i->data);
      default:
        break;
    }
  g_list_free(items);
  return webkit_context_menu_get_n_items(menu) == 0;
}

static gboolean key(GtkWidget *w, GdkEventKey *e, gpointer inspector) {
  guint mods = e->state & gtk_accelerator_get_default_mod_mask();
  double zoom = webkit_web_view_get_zoom_level(view);
  if (e->keyval == GDK_KEY_F5 && !mods) {
    webkit_web_view_reload(view);
    return TRUE;
  }
  if (inspector && ((e->keyval == GDK_KEY_F12 && !mods) ||
                    (gdk_keyval_to_lower(e->keyval) == GDK_KEY_i && mods == (GDK_CONTROL_MASK | GDK_SHIFT_MASK)))) {
    webkit_web_inspector_show(webkit_web_view_get_inspector(view));
    return TRUE;
  }
  if ((mods & ~GDK_SHIFT_MASK) != GDK_CONTROL_MASK) return FALSE;
  switch (e->keyval) {
    case GDK_KEY_w:
    case GDK_KEY_q:
      gtk_window_close(main_window);
      return TRUE;
    case GDK_KEY_plus:
    case GDK_KEY_equal:
    case GDK_KEY_KP_Add:
      webkit_web_view_set_zoom_level(view, MIN(zoom * 1.1, 3));
      return TRUE;
    case GDK_KEY_minus:
    case GDK_KEY_KP_Subtract:
      webkit_web_view_set_zoom_level(view, MAX(zoom / 1.1, 0.5));
      return TRUE;
    case GDK_KEY_0:
    case GDK_KEY_KP_0:
      webkit_web_view_set_zoom_level(view, 1);
      return TRUE;
  }
  return FALSE;
}

void window_attach(void *window, const char *origin, int inspector) {
  gpointer debug = GINT_TO_POINTER(inspector);
  home = g_strdup(origin);
  view = WEBKIT_WEB_VIEW(gtk_bin_get_child(GTK_BIN(window)));

  // Until the page is drawn, show what the desktop paints its own windows with: no white flash in the dark.
  GdkRGBA colour;
  if (gtk_style_context_lookup_color(gtk_widget_get_style_context(window), "theme_base_color", &colour))
    webkit_web_view_set_background_color(view, &colour);

  g_signal_connect(webkit_web_context_get_default(), "download-started", G_CALLBACK(download_started), NULL);
  g_signal_connect(view, "decide-policy", G_CALLBACK(decide), NULL);
  g_signal_connect(view, "load-failed", G_CALLBACK(load_failed), NULL);
  g_signal_connect(view, "load-changed", G_CALLBACK(load_changed), debug);
  g_signal_connect(view, "web-process-terminated", G_CALLBACK(process_died), NULL);
  g_signal_connect(view, "context-menu", G_CALLBACK(context_menu), NULL);
  g_signal_connect(window, "key-press-event", G_CALLBACK(key), debug);
  gtk_widget_grab_focus(GTK_WIDGET(view));
  gtk_widget_show_all(window);
}

void window_raise(void *window) {
  if (!main_window) return;
  guint32 now = GDK_CURRENT_TIME;
#ifdef GDK_WINDOWING_X11
  // A window manager ignores a request that does not say when it was made.
  GdkWindow *w = gtk_widget_get_window(GTK_WIDGET(main_window));
  if (GDK_IS_X11_WINDOW(w)) now = gdk_x11_get_server_time(w);
#endif
  gtk_window_present_with_time(main_window, now);
}

void window_close(void *window) {
  if (main_window) gtk_widget_destroy(GTK_WIDGET(main_window));
}

static GtkWidget *question; // NULL while nothing is asked
static GtkWidget *yes;
static guint later;

static void question_gone(GtkWidget *w, gpointer arg) {
  question = yes = NULL;
  if (later) g_source_remove(later);
  later = 0;
}

static void answered(GtkDialog *d, int response, gpointer id) {
  // Closing the dialog is a no.
  windowAnswered(id, response == GTK_RESPONSE_ACCEPT);
  gtk_widget_destroy(GTK_WIDGET(d));
}

// take_yes: what a person was typing or clicking as the dialog came up is no answer.
static gboolean take_yes(gpointer arg) {
  later = 0;
  if (yes) gtk_widget_set_sensitive(yes, TRUE);
  return G_SOURCE_REMOVE;
}

void window_ask_over(void) {
  if (question) gtk_widget_destroy(question);
}

void window_ask(const char *id, const char *text, const char *subject) {
  window_ask_over();
  if (!main_window) return;
  question = gtk_message_dialog_new(main_window, GTK_DIALOG_MODAL | GTK_DIALOG_DESTROY_WITH_PARENT, GTK_MESSAGE_QUESTION,
                                    GTK_BUTTONS_NONE, "%s", text);
  gtk_window_set_title(GTK_WINDOW(question), "OpenVibez asks");
  GtkWidget *about = gtk_text_view_new();
  gtk_text_buffer_set_text(gtk_text_view_get_buffer(GTK_TEXT_VIEW(about)), subject, -1);
  gtk_text_view_set_editable(GTK_TEXT_VIEW(about), FALSE);
  gtk_text_view_set_cursor_visible(GTK_TEXT_VIEW(about), FALSE);
  gtk_text_view_set_monospace(GTK_TEXT_VIEW(about), TRUE);
  gtk_text_view_set_wrap_mode(GTK_TEXT_VIEW(about), GTK_WRAP_WORD_CHAR);
  gtk_text_view_set_left_margin(GTK_TEXT_VIEW(about), 8);
  gtk_text_view_set_right_margin(GTK_TEXT_VIEW(about), 8);
  gtk_text_view_set_top_margin(GTK_TEXT_VIEW(about), 8);
  gtk_text_view_set_bottom_margin(GTK_TEXT_VIEW(about), 8);
  GtkWidget *scroll = gtk_scrolled_window_new(NULL, NULL);
  gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(scroll), GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_shadow_type(GTK_SCROLLED_WINDOW(scroll), GTK_SHADOW_IN);
  gtk_widget_set_size_request(scroll, 380, 110);
  gtk_container_add(GTK_CONTAINER(scroll), about);
  gtk_box_pack_start(GTK_BOX(gtk_message_dialog_get_message_area(GTK_MESSAGE_DIALOG(question))), scroll, TRUE, TRUE, 6);
  gtk_dialog_add_button(GTK_DIALOG(question), "Don’t allow", GTK_RESPONSE_REJECT);
  yes = gtk_dialog_add_button(GTK_DIALOG(question), "Allow", GTK_RESPONSE_ACCEPT);
  gtk_dialog_set_default_response(GTK_DIALOG(question), GTK_RESPONSE_REJECT);
  gtk_widget_set_sensitive(yes, FALSE);
  later = g_timeout_add(700, take_yes, NULL);
  g_signal_connect(question, "destroy", G_CALLBACK(question_gone), NULL);
  g_signal_connect_data(question, "response", G_CALLBACK(answered), g_strdup(id), (GClosureNotify)g_free, 0);
  gtk_widget_show_all(question);
  gtk_widget_grab_focus(gtk_dialog_get_widget_for_response(GTK_DIALOG(question), GTK_RESPONSE_REJECT));
  window_raise(NULL);
  gtk_window_present(GTK_WINDOW(question));
}

void window_eval(void *window, const char *script) {
  if (view) webkit_web_view_evaluate_javascript(view, script, -1, NULL, NULL, NULL, NULL, NULL);
}
