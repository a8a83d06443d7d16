#!/usr/bin/perl
# A server that can't prove who it is, from the failure to who hears of it: the message waits and ends, its sender is
# told why in words and in fields, and its domain by a report about the day (RFC 8460). DANE, MTA-STS, and a server that
# a policy leaves out; a signed root of our own, Postfix, an HTTPS server; Python's email reads bounce and report.
use strict;
use warnings;

use File::Temp qw(tempdir);
use IPC::Open2 qw(open2);
use JSON::PP ();
use POSIX qw(strftime);
use Test::More;
use lib 't/lib';
use Poterne::Certificates;
use Poterne::DnsTree;
use Poterne::Gateway;
use Poterne::Https;
use Poterne::Mail qw(letter);
use Poterne::Postfix;
use Poterne::Process qw(command_answer wait_until clear_of_midnight);
use Poterne::Sink;

my $missing = Poterne::DnsTree::enter() // Poterne::Certificates::missing() // Poterne::Https::missing();
plan skip_all => $missing                                if $missing;
plan skip_all => 'Postfix is not installed, or not root' if !Poterne::Postfix::there();
plan skip_all => 'sqlite3 is not installed'              if !-x '/usr/bin/sqlite3';

use constant { PORT => 2525, WRONG => 'ab' x 32 };

clear_of_midnight();
my $root = tempdir( 'poterne-tls-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $authority = Poterne::Certificates->new("$root/certificates");
my $other     = $authority->give( 'other', names => ['mx.other.example'] );

# 127.0.1.1 is Postfix with that certificate; 127.0.1.3 takes reports, without TLS.
my %zones = ( '.' => { address => '127.0.0.2', signed => 1 }, 'example.' => { address => '127.0.0.3', signed => 1 } );
my %case  = (
    wrong => {
        records => [ '_' . PORT . '._tcp.mx.wrong.example. 300 IN TLSA 3 1 1 ' . WRONG ],
        signed  => 1,
        detail  => qr/4\.7\.5 DANE: its certificate matches none of its TLSA records/,
        policy  => 'tlsa',
        lines   => [ '3 1 1 ' . WRONG ],
        result  => 'validation-failure',
        ip      => '127.0.1.1',
    },
    named => {
        policy_of => 'mx.named.example',
        detail    => qr/4\.7\.5 MTA-STS: its certificate is not valid: hostname mismatch/i,
        policy    => 'sts',
        lines     => [ 'version: STSv1', 'mode: enforce', 'max_age: 86400', 'mx: mx.named.example' ],
        result    => 'certificate-host-mismatch',
        ip        => '127.0.1.1',
    },
    out => {
        policy_of => 'mx.elsewhere.example',
        detail    => qr/4\.7\.5 mx\.out\.example is none of the servers that the MTA-STS policy of out\.example names/,
        policy    => 'sts',
        lines     => [ 'version: STSv1', 'mode: enforce', 'max_age: 86400', 'mx: mx.elsewhere.example' ],
        result    => 'validation-failure',
    },
);
my @names = sort keys %case;
my %policies;
for my $name (@names) {
    my $case = $case{$name};
    my @more = @{ $case->{records} // [] };
    if ( $case->{policy_of} ) {
        push @more, qq(_mta-sts.$name.example. 300 IN TXT "v=STSv1; id=1"), "mta-sts.$name.example. 300 IN A 127.0.0.1";
        $policies{"mta-sts.$name.example/.well-known/mta-sts.txt"} =
            { type => 'text/plain', body => "version: STSv1\r\nmode: enforce\r\nmax_age: 86400\r\nmx: $case->{policy_of}\r\n" };
    }
    $zones{"$name.example."} = {
        address => '127.0.0.4',
        signed  => $case->{signed} // 0,
        records => [
            "$name.example. 300 IN MX 10 mx.$name.example.", "mx.$name.example. 300 IN A 127.0.1.1",
            qq(_smtp._tls.$name.example. 300 IN TXT "v=TLSRPTv1; rua=mailto:$name\@collector.example"), @more
        ],
    };
}
$zones{'collector.example.'} = {
    address => '127.0.0.4',
    signed  => 0,
    records => [ 'collector.example. 300 IN MX 10 mx.collector.example.', 'mx.collector.example. 300 IN A 127.0.1.3' ],
};
my $tree   = Poterne::DnsTree->new( folder => "$root/dns", zones => \%zones )->start;
my $web_ca = Poterne::Https::authority("$root/web-ca");
my $web    = Poterne::Https->new( folder => "$root/web", ca => $web_ca, names => [ map { "mta-sts.$_.example" } @names ] );
$web->answers( \%policies );
$web->start;
my $taken     = Poterne::Sink->start( root => "$root/taken" );
my $collector = Poterne::Sink->start( root => "$root/collector", host => '127.0.1.3', port => PORT, smtp => 1 );
my $postfix   = Poterne::Postfix->start(
    root       => "$root/postfix",
    host       => '127.0.1.1',
    port       => PORT,
    sink       => $taken->{port},
    protocol   => 'lmtp',
    domain     => 'example',
    recipients => [ map { "x\@$_.example" } @names ],
    more       => "parent_domain_matches_subdomains = relay_domains\ntransport_maps = inline:{ {*=lmtp:[127.0.0.1]:$taken->{port}} }\n"
        . "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = $other->{certificate}\nsmtpd_tls_key_file = $other->{key}"
);
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    domains  => { 'ours.example' => { next_hop => Poterne::Gateway::maildir_hop("$root/gateway"), recipients => ['me@ours.example'] } },
    settings => {
        ''        => { hostname => 'mx.ours.example' },
        antivirus => { engines => '{ }' },
        fetch     => { trusted => qq("$web_ca->{cert}"), port => $web->{port} },
        gate      => { inside => '{ 127.0.0.1 }', relays => '{ 127.0.0.1 }' },
        outside   => { never_to => '{ }', port => PORT, trusted => '"' . $authority->file . '"' },
        queue     => { free_space_min => '0', retry_first => '1s', retry_max => '2s', connect_timeout => '10s', reply_timeout => '10s', lifetime => '5d' },
        reports   => { tls_send => 'yes', sender => 'me@ours.example' },
        resolver  => { enabled => 'yes', root_hints => '"' . $tree->hints . '"', trust_anchor => '"' . $tree->anchor . '"' },
    },
)->start;
my ( $status, $said ) = $gateway->poterne( 'dkim', 'keygen', 'ours.example', '--selector', 'first' );
is( $status, 0, 'a key' ) or diag($said);
$gateway->{domains}{'ours.example'}{more} = 'dkim = { first }';
$gateway->write_conf;
ok( $gateway->reload, 'signs' );

sub outcomes {
    my ($id) = @_;
    my ($message) = $gateway->poterne_json( 'trace', $id );
    return @{ ( ( $message->{recipients} // [] )->[0] // {} )->{outcomes} // [] };
}

sub python {
    my ( $program, $input ) = @_;
    my $pid = open2( my $out, my $in, '/usr/bin/python3', $program );
    binmode $_ for $in, $out;
    print {$in} $input // '';
    close $in;
    my $json = do { local $/; <$out> };
    waitpid $pid, 0;
    return eval { JSON::PP->new->decode($json) } // {};
}

# --- it waits ---

for my $name (@names) {
    my $letter = letter( "x\@$name.example", "to $name" );
    my $result = $gateway->send_one( from => 'me@ours.example', to => ["x\@$name.example"], data => \$letter );
    is( $result->{code}, 250, "$name: taken" ) or diag explain $result;
    ( $case{$name}{id} ) = ( $result->{text} // '' ) =~ /\b([0-9A-Z]{26})\b/;
    my $why = $case{$name}{detail};
    my $found = wait_until( 60, sub { grep { $_->{state} eq 'deferred' && $_->{detail} =~ /^$why/ } outcomes( $case{$name}{id} ) } );
    ok( $found, '… it waits, and why' ) or diag explain [ outcomes( $case{$name}{id} ) ];
}

# --- its domain hears of it: the day is over ---

my $today     = strftime( '%Y-%m-%d', gmtime );
my $yesterday = strftime( '%Y-%m-%d', gmtime( time - 86400 ) );
sleep 3;    # some tries more
is( $gateway->stop, 0, 'the gateway ends as it should' );
my ( $code, $out ) = command_answer(
    '/usr/bin/sqlite3',
    "$root/gateway/state/journal/journal.sqlite",
    'UPDATE tls_seen SET day = day - 1; UPDATE room SET day = day - 1'
);
is( $code, 0, "$today becomes $yesterday" ) or diag($out);
$gateway->{settings}{queue}{lifetime} = '1s';
$gateway->write_conf;
$gateway->start;
( $status, $said ) = $gateway->poterne( 'reports', 'tls', '--send', '--day', $yesterday );
is( $status, 0, 'reports are sent now' ) or diag($said);
for my $name (@names) {
    my $case = $case{$name};
    wait_until( 60, sub { $collector->messages("$name\@collector.example") } );
    my ($raw) = $collector->messages("$name\@collector.example");
    my $mail = python( 't/system/tally.py', $raw );
    is_deeply( $mail->{wrong}, [], "$name: a report of RFC 8460 4.4 comes" ) or diag explain $mail;
    like( $raw // '', qr/^DKIM-Signature: .*?d=ours\.example/ms, '… signed' );
    my $report = eval { JSON::PP->new->decode( $mail->{report} ) } // {};
    my ($told) = grep { $_->{policy}{'policy-type'} eq $case->{policy} } @{ $report->{policies} // [] };
    is( $told->{policy}{'policy-domain'}, "$name.example", '… about it' ) or diag explain $report;
    is_deeply( $told->{policy}{'policy-string'}, $case->{lines}, '… its policy' );
    is_deeply( $told->{policy}{'mx-host'}, [ $case->{policy_of} ], '… whom that names' ) if $case->{policy_of};
    my ($failure) = @{ $told->{'failure-details'} // [] };
    is( $failure->{'result-type'},           $case->{result},    '… what failed' );
    is( $failure->{'receiving-mx-hostname'}, "mx.$name.example", '… where' );
    is( $failure->{'receiving-ip'},          $case->{ip},        '… at which address' );
    is( scalar @{ $told->{'failure-details'} // [] }, 1, '… and nothing else' );
    cmp_ok( $failure->{'failed-session-count'}, '>=', 1, '… how often' );
    is( $told->{summary}{'total-failure-session-count'}, $failure->{'failed-session-count'}, '… in all' );
    is( $told->{summary}{'total-successful-session-count'}, 0, '… and never well' );
}

# --- its sender hears of it ---

my %bounce;
wait_until( 60, sub { %bounce = map { my $b = python( 't/system/dsn.py', $_ ); ( ( $b->{recipients}[0]{'final-recipient'} // '' ) => $b ) } $gateway->maildir_messages('me@ours.example'); keys %bounce == @names } );
for my $name (@names) {
    my $bounce = $bounce{"rfc822; x\@$name.example"} // {};
    my $fields = $bounce->{recipients}[0];
    is( $fields->{action}, 'failed', "$name: its sender is told" ) or diag explain \%bounce;
    is( $fields->{status}, '4.7.5',  '… with the status of what failed' );
    my $why = $case{$name}{detail};
    like( $fields->{'diagnostic-code'}, qr/^x-poterne; not delivered within 1 seconds; at last: $why/, '… in Diagnostic-Code' );
    like( $bounce->{text} =~ s/\s+/ /gr, qr/it did not prove who it is, or offers no encryption\. Nothing was sent to it\./, '… in words' );
    like( $bounce->{text}, $why, '… and what exactly' );
    is_deeply( $bounce->{defects}, [], '… which Python reads without a defect' );
    is( ( ( outcomes( $case{$name}{id} ) )[-1] // {} )->{state}, 'failed', '… and the journal says so' );
}
is( scalar $taken->messages("x\@$_.example"), 0, "$_: nothing came through" ) for @names;

is( $gateway->stop, 0, 'the gateway ends as it should' );
$web->stop;
$_->stop for $postfix, $taken, $collector, $tree;
done_testing();
