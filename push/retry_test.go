package push

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// script is a Doer that answers as it is told, the last way for ever, and knows
// when it was asked.
type script struct {
	answers []func() (*http.Response, error)
	start   time.Time
	asked   []time.Duration
	bodies  []string
	methods []string
	busy    bool
	during  func(*http.Request) // what happens while a request is on its way
}

func newScript(answers ...func() (*http.Response, error)) *script {
	return &script{answers: answers, start: time.Now()}
}

func (s *script) Do(r *http.Request) (*http.Response, error) {
	if s.busy {
		panic("two requests at the same time")
	}
	s.busy = true
	defer func() { s.busy = false }()
	body, _ := io.ReadAll(r.Body)
	text, _ := unpack(r.Header.Get("Content-Encoding"), body)
	s.asked = append(s.asked, time.Since(s.start))
	s.bodies = append(s.bodies, text)
	s.methods = append(s.methods, r.Method)
	if s.during != nil {
		s.during(r)
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	answer := s.answers[min(len(s.asked), len(s.answers))-1]
	return answer()
}

func answers(code int, header ...string) func() (*http.Response, error) {
	return func() (*http.Response, error) { return reply(code, "words", header...), nil }
}

func fails() (*http.Response, error) { return nil, errors.New("connection refused") }

// about checks that a wait is what it should be, less up to a half.
func about(t *testing.T, got, want time.Duration) {
	t.Helper()
	if got > want || got < want/2 {
		t.Errorf("waited %s, want %s to %s", got, want/2, want)
	}
}

func TestRetry(t *testing.T) {
	tests := map[string]struct {
		answers  []func() (*http.Response, error)
		retries  int
		attempts int
		status   int // 200 for success
	}{
		"no retries by default": {[]func() (*http.Response, error){answers(500)}, 0, 1, 500},
		"500 then 200":          {[]func() (*http.Response, error){answers(500), answers(200)}, 1, 2, 200},
		"no connection":         {[]func() (*http.Response, error){fails, fails, answers(202)}, 5, 3, 200},
		"429":                   {[]func() (*http.Response, error){answers(429), answers(200)}, 5, 2, 200},
		"503 for ever":          {[]func() (*http.Response, error){answers(503)}, 3, 4, 503},
		"500 then 400":          {[]func() (*http.Response, error){answers(500), answers(400)}, 3, 2, 400},
		"400":                   {[]func() (*http.Response, error){answers(400), answers(200)}, 3, 1, 400},
		"401":                   {[]func() (*http.Response, error){answers(401), answers(200)}, 3, 1, 401},
		"413":                   {[]func() (*http.Response, error){answers(413), answers(200)}, 3, 1, 413},
		"redirect":              {[]func() (*http.Response, error){answers(301, "Location", "/x"), answers(200)}, 3, 1, 301},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(tt.answers...)
				g := must(t, "pg", "j", Client(s), Retry(tt.retries), inText)
				err := g.Push(t.Context(), someRegistry())
				if (err == nil) != (tt.status == 200) || len(s.asked) != tt.attempts {
					t.Fatalf("error %v after %d attempts", err, len(s.asked))
				}
				if err != nil {
					if e := asError(t, err); e.StatusCode != tt.status || e.Attempts != tt.attempts {
						t.Errorf("error %v", err)
					}
				}
				for i, body := range s.bodies {
					if body != someText {
						t.Errorf("attempt %d had the body\n%s", i, body)
					}
				}
				for i, wait := 1, time.Second; i < len(s.asked); i, wait = i+1, 2*wait {
					about(t, s.asked[i]-s.asked[i-1], wait)
				}
			})
		})
	}
}

func TestRetriesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(fails)
		err := must(t, "pg", "j", Client(s), Retry(100)).Delete(t.Context())
		wantText(t, err, "connection refused (attempt 101)")
		about(t, s.asked[100]-s.asked[99], 30*time.Second)
	})
}

func TestRetryAfterIsHeeded(t *testing.T) {
	date := time.Date(2000, 1, 1, 0, 1, 30, 0, time.UTC) // synctest's clock begins with the year 2000
	for value, want := range map[string]time.Duration{
		"90":                         90 * time.Second,
		date.Format(http.TimeFormat): 90 * time.Second,
		"100000":                     5 * time.Minute,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newScript(answers(429, "Retry-After", value), answers(200))
			if err := must(t, "pg", "j", Client(s), Retry(1)).Delete(t.Context()); err != nil {
				t.Fatal(err)
			}
			if s.asked[1] != want {
				t.Errorf("Retry-After: %s: waited %s, want %s", value, s.asked[1], want)
			}
		})
	}
}

// There is no point in waiting for what can't be.
func TestRetryNotBeyondTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(answers(503, "Retry-After", "60"))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
		defer cancel()
		err := must(t, "pg", "j", Client(s), Retry(5)).Push(ctx, someRegistry())
		if asError(t, err).StatusCode != 503 || time.Since(s.start) > 0 {
			t.Errorf("error %v after %s", err, time.Since(s.start))
		}
	})
}

func TestRetryCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(answers(503, "Retry-After", "60"))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Second, cancel)
		err := must(t, "pg", "j", Client(s), Retry(5)).Push(ctx, someRegistry())
		if e := asError(t, err); e.StatusCode != 503 || !errors.Is(err, context.Canceled) || time.Since(s.start) != 20*time.Second {
			t.Errorf("error %v after %s", err, time.Since(s.start))
		}
	})
}

func TestRetriesAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		s := newScript(answers(503), answers(200))
		g := must(t, "http://u:s3cret@pg", "j", Client(s), Retry(1), Logger(log.logger()))
		if err := g.Delete(t.Context()); err != nil {
			t.Fatal(err)
		}
		text := log.String()
		if strings.Count(text, "\n") != 1 || !strings.Contains(text, "level=WARN") || !strings.Contains(text, "503") || strings.Contains(text, "s3cret") {
			t.Errorf("log:\n%s", text)
		}
	})
}
