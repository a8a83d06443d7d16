#!/usr/bin/perl
# poterne-fetch, asked over its socket: a page of a server whose certificate holds, and everything that must not
# be one: wrong names and ends, our own networks, redirections, what is too large, too slow, or no HTTP.
use strict;
use warnings;

use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64);
use Socket qw(AF_UNIX SOCK_SEQPACKET pack_sockaddr_un);
use Test::More;
use Time::HiRes qw(time);
use lib 't/lib';
use Poterne::Dns;
use Poterne::Files qw(write_file);
use Poterne::Gateway;
use Poterne::Https;
use Poterne::Process qw(command_output free_port wait_until);

for my $why ( Poterne::Dns::missing(), Poterne::Https::missing() ) {
    plan skip_all => $why if $why;
}

use constant { STRANGER => 1, INTROSPECTION => 2, GET => 1, POST => 2, LIMIT => 65_536 };
my @results = qw(answered bad_url no_host dns_failed forbidden unreachable tls_failed untrusted timeout too_large malformed busy away);

my $root = tempdir( 'poterne-fetch-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $ca = Poterne::Https::authority( "$root/ca", 'the world' );
my $other = Poterne::Https::authority( "$root/other", 'nobody knows' );
my $port = free_port();

# Strangers' servers all listen on the one port that the settings name, each on an address of its own.
my %address = ( good => '127.0.0.1', expired => '127.0.0.2', unknown => '127.0.0.3', plain => '127.0.0.4', deaf => '127.0.0.5' );
sub server {
    my ( $name, %option ) = @_;
    return Poterne::Https->new( folder => "$root/$name", ca => $ca, port => $port, address => $address{$name}, names => ["$name.world.example"], %option )->start;
}
my $good = server( 'good', names => [ 'good.world.example', 'six.world.example', 'both.world.example' ] );
my $expired = server( 'expired', days => -1 );
my $unknown = server( 'unknown', ca => $other );
my $mine = Poterne::Https->new( folder => "$root/mine", ca => $other, names => ['127.0.0.1'] )->start;
my $plain = IO::Socket::INET->new( LocalAddr => $address{plain}, LocalPort => $port, Listen => 5 ) or die "$!\n";
my $deaf = IO::Socket::INET->new( LocalAddr => $address{deaf}, LocalPort => $port, Listen => 5 ) or die "$!\n";

my $dns = Poterne::Dns->new(
    folder  => "$root/dns",
    records => [
        ( map { "$_.world.example. A $address{$_}" } keys %address ),
        'wrong.world.example. A 127.0.0.1',
        'alias.world.example. CNAME good.world.example.',
        'closed.world.example. A 127.0.0.6',
        'inside.world.example. A 10.1.2.3',
        'inside6.world.example. AAAA fd00::1',
        'mapped.world.example. AAAA ::ffff:10.1.2.3',
        'both.world.example. A 10.1.2.3',
        'both.world.example. A 127.0.0.1',
        'empty.world.example. TXT "nothing"',
    ],
    silent => ['silent.example.'],
)->start;
write_file( "$root/secret", "s3 cret/\n" );
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => {
        ''       => { log_level => 'debug' },
        resolver => $dns->settings,
        fetch    => { trusted => qq("$ca->{cert}"), port => $port },
        outside  => { never_to => '{ 10.0.0.0/8, fc00::/7 }' },
        oauth    => {
            introspection => qq("https://127.0.0.1:$mine->{port}/introspect"), trusted => qq("$other->{cert}"),
            client_id => '"gate:way"', client_secret_file => qq("$root/secret"),
        },
    },
    domains => { 'univ.example' => { next_hop => 'maildir://' . "$root/maildir/%d/%u", recipients => ['jean@univ.example'] } },
);
$gateway->start;

# --- the protocol ---

my $number = 0;

sub connected {
    socket( my $socket, AF_UNIX, SOCK_SEQPACKET, 0 ) or die "$!\n";
    connect( $socket, pack_sockaddr_un("$root/gateway/run/fetch.sock") ) or die "fetch.sock: $!\n";
    return $socket;
}

sub ask_on {
    my ( $socket, $url, %option ) = @_;
    my %all = ( target => STRANGER, method => GET, ms => 5000, max => LIMIT, type => '', body => '', %option );
    defined send( $socket, pack( 'V C C V V V/a* V/a* V/a*', ++$number, @all{qw(target method ms max)}, $url, @all{qw(type body)} ), 0 ) or return;
    return $number;
}

# undef: it was cut off, or there was no answer in time.
sub answer_on {
    my ( $socket, $seconds ) = @_;
    return if !IO::Select->new($socket)->can_read( $seconds // 20 );
    my $bytes = '';
    return if !defined recv( $socket, $bytes, 200_000, 0 ) || $bytes eq '';
    my %answer;
    ( @answer{qw(number result status type body note)} ) = unpack 'V C V V/a* V/a* V/a*', $bytes;
    $answer{result} = $results[ $answer{result} ];
    return \%answer;
}

my $line = connected();

sub ask {
    my (@request) = @_;
    my $asked = ask_on( $line, @request );
    my $answer = answer_on($line) // { result => 'none', number => 0 };
    is( $answer->{number}, $asked, 'an answer' ) if ( $answer->{number} // 0 ) != $asked;
    return $answer;
}

sub fails {
    my ( $url, $result, $note, $name, %option ) = @_;
    my $answer = ask( $url, %option );
    is( $answer->{result}, $result, $name ) or diag $answer->{note};
    like( $answer->{note} // '', $note, '… and says so' );
    return;
}

# --- what is there ---

my $policy = "version: STSv1\r\nmode: enforce\r\nmx: mx.world.example\r\nmax_age: 86400\r\n";
$good->answers(
    {
        '/.well-known/mta-sts.txt' => { body => $policy, type => 'text/plain; charset=utf-8' },
        '/full'      => { fill => LIMIT },
        '/large'     => { fill => LIMIT + 1 },
        '/endless'   => { endless => \1 },
        '/header'    => { body => 'x', headers => { map { ( "X-$_" => 'y' x 4000 ) } 1 .. 12 } },
        '/moved'     => { status => 301, headers => { Location => "https://good.world.example:$port/full" } },
        '/cookie'    => { body => 'x', headers => { 'Set-Cookie' => 'a=b; Path=/' } },
        '/slow'      => { delay => 30, body => 'late' },
        '/short'     => { body => 'cut', cut => 100 },
        '/ftp'       => { raw => "220 ready\r\n230 welcome\r\n" },
        '/nothing'   => { raw => '' },
        '/empty'     => { status => 204 },
        '/no'        => { status => 503, body => 'away' },
        '/report'    => { status => 201, body => 'taken' },
    }
);
my $page = ask('https://good.world.example/.well-known/mta-sts.txt');
is_deeply( [ @{$page}{qw(result status type body)} ], [ 'answered', 200, 'text/plain; charset=utf-8', $policy ], 'a page' ) or diag explain $page;
my ($request) = $good->requests;
is( "$request->{method} $request->{path} $request->{host}", "GET /.well-known/mta-sts.txt good.world.example:$port", 'as it was asked for' );
is( join( ' ', sort keys %{ $request->{headers} } ), 'accept host user-agent', 'with no more header than it takes' );
is( ask("https://GOOD.world.example:$port/full?a=b#c")->{body}, 'x' x LIMIT, 'as many bytes as are allowed' );
is( ask('https://alias.world.example/full')->{result}, 'untrusted', 'an alias must have a certificate of its own name' );
is( ask('https://both.world.example/full')->{result}, 'answered', 'one address inside and one outside: the other one is gone to' );
my $gzip = join '', map { chr( $_ % 256 ) } 0 .. 90_000;
my $posted = ask( 'https://good.world.example/report', method => POST, type => 'application/tlsrpt+gzip', body => $gzip );
is_deeply( [ @{$posted}{qw(result status body)} ], [ 'answered', 201, 'taken' ], 'a report is posted' ) or diag explain $posted;
($request) = grep { $_->{method} eq 'POST' } $good->requests;
is( $request->{headers}{'content-type'}, 'application/tlsrpt+gzip', '… as what it is' );
ok( $request->{body} eq $gzip, '… byte by byte' );
for my $status ( [ '/no', 503, 'away' ], [ '/empty', 204, '' ], [ '/absent', 404, 'no such page' ] ) {
    my $answer = ask("https://good.world.example$status->[0]");
    is_deeply( [ @{$answer}{qw(result status body)} ], [ 'answered', @{$status}[ 1, 2 ] ], "status $status->[1] is an answer" );
}
my $moved = ask('https://good.world.example/moved');
is( "$moved->{result} $moved->{status} $moved->{body}", 'answered 301 ', 'a redirection is not followed' );
ask('https://good.world.example/cookie') for 1, 2;
is( scalar( grep { $_->{headers}{cookie} } $good->requests ), 0, 'no cookie is sent back' );
my @from = map { $_->{from} } $good->requests;
my %once = map { $_ => 1 } @from;
is( scalar keys %once, scalar @from, 'a stranger\'s connection serves one request' );

# --- whose certificate does not hold ---

fails( 'https://wrong.world.example/full', 'untrusted', qr/wrong\.world\.example/, 'the certificate of another name' );
fails( 'https://expired.world.example/full', 'untrusted', qr/expired/, 'an expired one' );
fails( 'https://unknown.world.example/full', 'untrusted', qr/issuer|self.signed/, 'one of an authority that nobody knows' );

# --- what is not gone to ---

fails( 'http://good.world.example/full',  'bad_url',   qr/not https/,       'http' );
fails( 'ftp://good.world.example/full',   'bad_url',   qr/./,               'ftp' );
fails( 'file:///etc/passwd',              'bad_url',   qr/./,               'a file' );
fails( "https://127.0.0.1:$port/full",    'bad_url',   qr/no domain name/,  'an address' );
fails( 'https://2130706433/full',         'bad_url',   qr/no domain name/,  '… as a number' );
fails( 'https://%3127.1/full',              'bad_url',   qr/no domain name/,  '… behind a digit in another form' );
fails( "https://[::1]:$port/full",        'bad_url',   qr/no domain name/,  '… of IPv6' );
fails( 'https://localhost/full',          'bad_url',   qr/no domain name/,  'a name without a dot' );
fails( 'https://good.world.example:25/',  'bad_url',   qr/port/,            'another port' );
fails( 'https://me:it@good.world.example/', 'bad_url', qr/user/,            'a user' );
fails( "https://good.world.example/a\r\nX: y", 'bad_url', qr/./,            'a line end' );
fails( 'https://good%2eworld%00.example/', 'bad_url',  qr/./,              'a NUL in the host' );
fails( 'https://goo%7fd.world.example/',  'bad_url',   qr/no name/,         '… another byte that no name has' );
fails( "https://good.world.example/\xe9", 'bad_url',   qr/byte/,            '… and one that no URL has' );
fails( 'https://a b.world.example/',      'bad_url',   qr/./,               'a blank' );
fails( 'https://inside.world.example/',   'forbidden', qr/never_to/,        'a name in our own network' );
fails( 'https://inside6.world.example/',  'forbidden', qr/never_to/,        '… by IPv6' );
fails( 'https://mapped.world.example/',   'forbidden', qr/never_to/,        '… by IPv4 written as IPv6' );
fails( 'https://nobody.world.example/',   'no_host',   qr/no address/,      'no such name' );
fails( 'https://empty.world.example/',    'no_host',   qr/no address/,      'a name without an address' );
fails( 'https://closed.world.example/',   'unreachable', qr/connect/i,      'nobody listens' );

# --- what answers badly ---

fails( 'https://good.world.example/large',   'too_large',   qr/larger/, 'one byte too many' );
fails( 'https://good.world.example/endless', 'too_large',   qr/larger/, 'an answer without end' );
fails( 'https://good.world.example/header',  'too_large',   qr/larger/, 'a header of 48 kB' );
fails( 'https://good.world.example/short',   'unreachable', qr/./,      'fewer bytes than promised' );
fails( 'https://good.world.example/ftp',     'malformed',   qr/./,      'no HTTP' );
fails( 'https://good.world.example/nothing', 'unreachable', qr/./,      'nothing at all' );
for my $slow (
    [ 'https://good.world.example/slow',   'an answer that does not come' ],
    [ 'https://deaf.world.example/',       'a handshake that does not come' ],
    [ 'https://name.silent.example/',      'a name server that does not answer', qr/^(?:timeout|dns_failed)$/ ]
) {
    my $begun  = time;
    my $answer = ask( $slow->[0], ms => 700 );
    like( $answer->{result}, $slow->[2] // qr/^timeout$/, $slow->[1] ) or diag $answer->{note};
    cmp_ok( time - $begun, '<', 3, '… is not waited for' );
}
my $talk = fork // die "$!\n";
if ( !$talk ) {
    my $peer = $plain->accept;
    print {$peer} "220 mx.world.example ESMTP\r\n";
    sleep 1;
    POSIX::_exit(0);
}
fails( 'https://plain.world.example/', 'tls_failed', qr/./, 'a server that speaks no TLS' );
waitpid $talk, 0;

# --- who asks too much ---

my @lines = map { connected() } 1 .. 3;
ask_on( $lines[0], 'https://good.world.example/slow', ms => 3000 ) for 1 .. 12;
my %got;
my $end = time + 2;
while ( time < $end && ( my $answer = answer_on( $lines[0], 0.5 ) ) ) {
    $got{ $answer->{result} }++;
}
is_deeply( \%got, { busy => 4 }, 'of twelve requests to one slow host eight are open and four are refused' );
is( ask('https://good.world.example/full')->{result}, 'busy', '… for others who ask, too' );
is( ask('https://both.world.example/full')->{result}, 'answered', '… of that host alone' );
close $lines[0];
ok( wait_until( 5, sub { ask('https://good.world.example/full')->{result} eq 'answered' } ), 'whoever goes takes his requests with him' );
for my $bad (
    [ 'nothing',          '' ],
    [ 'junk',             'x' x 100 ],
    [ 'another target',   pack 'V C C V V V/a* V/a* V/a*', 1, 7, 1, 1000, 10, 'https://a.example/', '', '' ],
    [ 'another method',   pack 'V C C V V V/a* V/a* V/a*', 1, 1, 9, 1000, 10, 'https://a.example/', '', '' ],
    [ 'no time',          pack 'V C C V V V/a* V/a* V/a*', 1, 1, 1, 0, 10, 'https://a.example/', '', '' ],
    [ 'a large answer',   pack 'V C C V V V/a* V/a* V/a*', 1, 1, 1, 1000, 1_000_000, 'https://a.example/', '', '' ],
    [ 'a type of lines',  pack 'V C C V V V/a* V/a* V/a*', 1, 1, 2, 1000, 10, 'https://a.example/', "a\r\nb: c", '' ],
    [ 'our server\'s URL', pack 'V C C V V V/a* V/a* V/a*', 1, 2, 1, 1000, 10, 'https://a.example/', '', '' ],
) {
    my ( $name, $bytes ) = @$bad;
    next if $bytes eq '';
    my $socket = connected();
    send $socket, $bytes, 0;
    is( answer_on( $socket, 5 ), undef, "$name is cut off" );
}
is( ask('https://good.world.example/full')->{result}, 'answered', 'and the others are served' );

# --- our own server ---

$mine->answers( { '/introspect' => { type => 'application/json', body => '{"active":true}' } } );
my %form = ( target => INTROSPECTION, method => POST, type => 'application/x-www-form-urlencoded', body => 'token=abc' );
for ( 1 .. 3 ) {
    my $answer = ask( '', %form );
    is_deeply( [ @{$answer}{qw(result status type body)} ], [ 'answered', 200, 'application/json', '{"active":true}' ], 'our own server is asked' )
        or diag explain $answer;
}
my @asked = $mine->requests;
is( $asked[0]{headers}{authorization}, 'Basic ' . encode_base64( 'gate%3Away:s3%20cret%2F', '' ), 'as who we are' );
is( $asked[0]{body}, 'token=abc', '… what was said' );
is( $asked[2]{from}, $asked[0]{from}, '… over one connection' );

# Tokens that are none, sent by whoever likes to: of 128 places 96 are theirs.
$mine->pause;
my $flood = connected();
ask_on( $flood, '', %form, ms => 60_000 ) for 1 .. 110;
my %flooded;
$flooded{ ( answer_on( $flood, 60 ) // {} )->{result} // 'none' }++ for 1 .. 14;
is_deeply( \%flooded, { busy => 14 }, 'of 110 questions about tokens 96 are open, and the others refused' );
is( ask( '', %form )->{result}, 'busy', 'our own server is asked no more' );
is( ask('https://good.world.example/full')->{result}, 'answered', '… while strangers are asked as before' );
close $flood;
$mine->resume;
ok( wait_until( 60, sub { ask( '', %form, ms => 20_000 )->{result} eq 'answered' } ), '… until who asked so much is gone' );
fails( 'https://unknown.world.example/full', 'untrusted', qr/issuer|self.signed/, 'the authority of our own server is none for strangers' );
is( scalar( grep { $_->{headers}{authorization} } $good->requests ), 0, 'strangers never see who we are' );
my ( undef, $environment ) = command_output( 'grep', '-c', 's3 cret', map { "/proc/$_/environ" } map { @$_ } values %{ $gateway->processes } );
unlike( $environment, qr/:[1-9]/, 'nor does the environment' );
$mine->stop;
fails( '', 'unreachable', qr/./, 'it is away', %form );

# --- a reload while a request is open ---

my $waiting = connected();
$good->answers( { '/slow' => { delay => 3, body => 'late' }, '/full' => { fill => 10 } } );
ask_on( $waiting, 'https://good.world.example/slow', ms => 10_000 );
my ($before) = @{ $gateway->processes->{fetch} };
ok( $gateway->reload, 'new settings' );
is( ( answer_on($waiting) // {} )->{body}, 'late', 'what is open is answered' );
ok( wait_until( 20, sub { !kill 0, $before } ), 'then the old process goes' );
$line = connected();
is( ask('https://good.world.example/full')->{result}, 'answered', 'and the new one serves' );
$gateway->signal_role( KILL => 'fetch' );
ok( wait_until( 20, sub { $line = connected(); ( ask_on( $line, 'https://good.world.example/full' ) ? answer_on($line) // {} : {} )->{result} } ), 'one that was killed is replaced' );

# --- nobody is trusted ---

$gateway->write_conf( $gateway->conf_text =~ s{^    trusted = "\Q$ca->{cert}\E"}{    trusted = "$root/absent.pem"}mr );
my $from = length $gateway->log_text;
ok( $gateway->reload, 'a file of authorities that is not there' );
ok( $gateway->wait_for_log( qr/no HTTPS server is trusted/, $from, 10 ), '… is told' );
$line = connected();
fails( 'https://good.world.example/full', 'untrusted', qr/./, '… and nobody is trusted' );

is( $gateway->stop, 0, 'the gateway ends well' );
done_testing();
