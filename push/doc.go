// Package push sends metrics to a Prometheus Pushgateway.
//
// A service is scraped. A batch job is over before anybody comes to scrape it,
// so it pushes its metrics to a gateway, where they stay for Prometheus to find:
//
//	job, err := push.New("https://pushgateway:9091", "backup",
//		push.Grouping("instance", "db1"),
//		push.BasicAuth(user, password))
//	if err != nil {
//		return err // a wrong option; nothing was sent
//	}
//	return job.Push(ctx, reg)
//
// # Groups
//
// A gateway keeps metrics in groups. The job's name and the labels of [Grouping]
// are the key of a group: all of its series get them as labels, and what is
// pushed replaces only what is in the same group. Jobs that must not replace each
// other's metrics need keys that differ, say by an instance: see [InstanceIP].
//
//   - [Group.Push] replaces the whole group (PUT).
//   - [Group.Add] replaces the families of the group that it brings, and leaves
//     the others (POST). Counters are not added up, here or there: a gateway
//     keeps the last value.
//   - [Group.Delete] deletes the group (DELETE). A gateway never forgets a group
//     by itself.
//   - [Group.Run] pushes at an interval, and once more when its context ends.
//
// The job's name may be any text but none, and so may the values of labels, which
// may be empty, too: all arrive as they are. They are written into the URL in
// base64 where they need it. Names of labels are checked: no series that is
// pushed may have a label of the key.
//
// Let Prometheus scrape the gateway with honor_labels: true; otherwise it
// replaces job and instance by the gateway's own. A gateway adds the metrics
// push_time_seconds and push_failure_time_seconds to each group, by which one
// sees a job that has stopped.
//
// # What is sent
//
// Protobuf, which has room for native histograms, compressed with gzip; [Format]
// and others change that. A gateway takes no timestamps: a sample that has one is
// an error. So is a series that has a label of the group's key. Both are found
// before anything is sent.
//
// Names are sent as they are. In protobuf a gateway of version 1.11 takes all UTF-8
// names. In the text format, and in the names of grouping labels, it needs its
// flag --push.enable-utf8-names. Without that it refuses such names in the text
// format, but takes a grouping label http.host for one that is called
// U__http_2e_host, and doesn't say so.
//
// # What goes wrong
//
// An answer that is no success is an *[Error], with the status and the gateway's
// own words, and so is no answer at all. Passwords, tokens, user info and the
// values of a URL's query are in no error and no log.
//
// Without a [Client] a connection is made for each request, through a proxy if
// the environment names one (see [net/http.ProxyFromEnvironment]). Bodies are made
// in memory before they are sent.
//
// Each attempt has a [Timeout]. There is only one attempt unless [Retry] allows
// more. Redirects are refused unless one trusts them: see [TrustRedirects].
package push
