UPDATE revision SET rev = 20;
INSERT INTO settings VALUES ('theme', '"dark"', 1);
INSERT INTO providers VALUES ('prov', 'ollama', 'Ollama', '', '', '', 'qwen3', 1, 0, '', 5, 5, 2);
INSERT INTO models VALUES ('prov', 'qwen3', 1, '{"id":"qwen3","contextTokens":"4096"}', 0, 3);
INSERT INTO sessions VALUES ('sess', 'What is a rune?', 0, NULL, 'prov', 'qwen3', '', 2, 0, 0, '', 0, 'typed', 6, 10, 20, 15);
INSERT INTO runs VALUES ('run1', 'sess', 'req1', x'00', 7, 'prov', 'qwen3', '{"temperature":0.5}', '', 1, 1, 5, '', 0, 0, 0, '', '', 'res', 1, 10, 11, 12, 12, 10);
INSERT INTO runs VALUES ('run2', 'sess', 'req2', x'01', 2, 'prov', 'qwen3', '', 'run1', 2, 6, 6, 'thinking', 0, 0, 0, '', '', '', 0, 13, 14, 14, 0, 14);
INSERT INTO entries (session_id, seq, last_seq, run_id, kind, entry_json, created_ms, rev) VALUES
    ('sess', 1, 1, 'run1', 10, '{"user":{"text":"What is a rune?"}}', 10, 4),
    ('sess', 2, 4, 'run1', 11, '{"text":{"text":"A rune is a code point."}}', 11, 8),
    ('sess', 5, 5, 'run1', 22, '{"usage":{"inputTokens":"7","outputTokens":"6"}}', 12, 9),
    ('sess', 6, 6, 'run2', 10, '{"user":{"text":"Go on"}}', 13, 13);
INSERT INTO chunks VALUES ('sess', 7, 'run2', 1, 0, 'It ', 14, 16), ('sess', 8, 'run2', 1, 3, 'is', 14, 17);
INSERT INTO usage VALUES ('run1', 1, 'sess', 'prov', 'qwen3', 7, 6, 0, 0, 0, 12);
INSERT INTO tombstones VALUES (1, 'gone', 'gone', 18);
