#!/usr/bin/perl
# Where mail for other domains goes, with Debian's unbound as the DNS and servers on addresses of the
# loopback: by MX in order of preference, past servers that are away or busy, to the domain itself
# where there is no MX, to an address; what is certain never to work is held, whatever else goes
# wrong waits. And next hops of our own domain, of which the first that is there is taken.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Dns;
use Poterne::Gateway;
use Poterne::Postfix;
use Poterne::Process qw(command_output free_port wait_until);
use Poterne::Sink;

plan skip_all => Poterne::Dns::missing() if Poterne::Dns::missing();

my $root = tempdir( 'poterne-routes-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $build = $ENV{POTERNE_BUILD} // 'build';
my $port = free_port();

# One port on several addresses: the DNS names addresses only.
my %sink = map { ( $_->[0] => Poterne::Sink->start( root => "$root/$_->[0]", host => $_->[1], port => $port, smtp => 1, @$_[ 2 .. $#$_ ] ) ) }
    [ one => '127.0.0.2' ], [ two => '127.0.0.3' ], [ busy => '127.0.0.4', greeting => '421 4.3.2 busy' ], [ broken => '127.0.0.5', broken_tls => 1 ];
my $ours = Poterne::Sink->start( root => "$root/ours" );
my $dead = free_port();

my $dns = Poterne::Dns->new(
    folder  => "$root/dns",
    records => [
        'one.example. A 127.0.0.2',
        'two.example. A 127.0.0.3',
        'busy.example. A 127.0.0.4',
        'away.example. A 127.0.0.9',
        'broken.example. A 127.0.0.5',
        'tls.example. A 127.0.0.6',
        'alias.example. CNAME two.example.',
        'plain.example. MX 20 two.example.', 'plain.example. MX 10 one.example.',
        'dead.example. MX 10 away.example.',     'dead.example. MX 20 two.example.',
        'late.example. MX 10 busy.example.',     'late.example. MX 20 nobody.example.', 'late.example. MX 30 two.example.',
        'renamed.example. MX 10 alias.example.',
        'null.example. MX 0 .',
        'loop.example. MX 10 mx.poterne.example.', 'loop.example. MX 20 two.example.',
        'backup.example. MX 10 one.example.', 'backup.example. MX 20 mx.poterne.example.', 'backup.example. MX 30 two.example.',
        'nowhere.example. MX 10 nobody.example.',
        'later.example. MX 10 one.example.',
        'mx.poterne.example. A 127.0.0.1',
    ]
)->start;

sub routes_gateway {
    my (%outside) = @_;
    return Poterne::Gateway->new(
        root     => $root,
        settings => {
            resolver  => $dns->settings,
            antivirus => { engines => '{ }' },
            queue     => { free_space_min => '0', retry_first => '1s', retry_max => '2s', connect_timeout => '2s', reply_timeout => '5s' },
            outside   => {%outside},
        },
        domains => {
            'ours.example' => {
                next_hop   => qq({ "lmtp://127.0.0.1:$dead", "lmtp://127.0.0.1:$ours->{port}" }),
                recipients => ['jean@ours.example']
            }
        }
    );
}

sub put {
    my ( $gateway, @to ) = @_;
    my ( $status, $id ) = command_output( "$build/t/delivery/put", "$root/state", 'sender@ours.example', 'a test', @to );
    die "put: $id" if $status;
    return $id =~ s/\s+\z//r;
}

# What the journal knows of a message's recipient now.
sub outcome {
    my ( $gateway, $id, $address ) = @_;
    my ($message) = $gateway->poterne_json( 'trace', $id );
    my ($r) = grep { $_->{address} eq $address } @{ $message->{recipients} // [] };
    return ( $r->{outcomes} // [] )->[-1] // {};
}

sub becomes {
    my ( $gateway, $id, $address, $state ) = @_;
    wait_until( 30, sub { ( outcome( $gateway, $id, $address )->{state} // '' ) eq $state } );
    return outcome( $gateway, $id, $address );
}

my $gateway = routes_gateway( never_to => '{ }', port => $port, helo => 'out.poterne.example' )->start;

# --- by MX ---

my @go = (
    [ 'x@plain.example',   'one', 'one.example [127.0.0.2]',   'the preferred server' ],
    [ 'x@dead.example',    'two', 'two.example [127.0.0.3]',   'past a server that is not there' ],
    [ 'x@late.example',    'two', 'two.example [127.0.0.3]',   'past one that greets with 421, and one without an address' ],
    [ 'x@renamed.example', 'two', 'alias.example [127.0.0.3]', 'to a server whose name is an alias' ],
    [ 'x@one.example',     'one', 'one.example [127.0.0.2]',   'without MX to the domain itself' ],
    [ 'x@backup.example',  'one', 'one.example [127.0.0.2]',   'to a server that is preferred to us' ],
    [ 'x@[127.0.0.3]',     'two', '[127.0.0.3]',               'to an address' ],
);
my @stay = (
    [ 'x@null.example',          qr/5\.1\.10 /, 'a null MX' ],
    [ 'x@no-such-place.example', qr/5\.1\.2 /,  'no such domain' ],
    [ 'x@loop.example',          qr/5\.4\.6 /,  'we are the best server' ],
);
my %id_of = map { ( $_->[0] => put( $gateway, $_->[0] ) ) } @go, @stay;

for my $case (@go) {
    my ( $to, $sink, $relay, $what ) = @$case;
    my $id = $id_of{$to};
    my $outcome = becomes( $gateway, $id, $to, 'delivered' );
    is( $outcome->{state}, 'delivered', $what );
    like( $outcome->{relay} // '', qr/^\Q$relay\E:$port/, '… which the journal names' );
    is( scalar( $sink{$sink}->messages($to) ), 1, '… and which has it' );
}

for my $case (@stay) {
    my ( $to, $why, $what ) = @$case;
    my $id = $id_of{$to};
    my $outcome = becomes( $gateway, $id, $to, 'held' );
    is( $outcome->{state}, 'held', "$what: held" );
    like( $outcome->{detail} // '', $why, '… and why' );
}

my $id = put( $gateway, 'x@nowhere.example' );
my $outcome = becomes( $gateway, $id, 'x@nowhere.example', 'deferred' );
is( $outcome->{state}, 'deferred', 'a server without an address: it waits' );
like( $outcome->{detail} // '', qr/4\.4\.4 /, '… and why' );
my ( undef, $queue ) = $gateway->poterne('queue');
like( $queue, qr/nowhere\.example/, '… and `poterne queue` says so' );

# --- a message for several, some of them ours ---

my @several = ( 'jean@ours.example', 'a@plain.example', 'b@plain.example', 'c@renamed.example' );
$id = put( $gateway, @several );
is( becomes( $gateway, $id, $_, 'delivered' )->{state}, 'delivered', "of several: $_" ) for @several;
is( scalar( $ours->messages('jean@ours.example') ), 1, 'our own domain: the second next hop, since the first is away' );
is( outcome( $gateway, $id, 'jean@ours.example' )->{relay}, "lmtp://127.0.0.1:$ours->{port}", '… which the journal names' );

# --- TLS ---

my $broken = put( $gateway, 'x@broken.example' );
$outcome = becomes( $gateway, $broken, 'x@broken.example', 'delivered' );
is( $outcome->{state}, 'delivered', 'STARTTLS that does not work: in clear' );
like( $outcome->{relay} // '', qr/^broken\.example \[127\.0\.0\.5\]:$port$/, '… as the journal says' );

my ($no_key) = command_output( qw(/usr/bin/openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2),
    qw(-subj /CN=tls.example -keyout), "$root/key.pem", '-out', "$root/cert.pem" );
my $postfix;
SKIP: {
    skip 'Postfix is not installed, or not root', 4 if !Poterne::Postfix::there();
    skip 'openssl made no certificate', 4 if $no_key;
    my %relay = ( domain => 'tls.example', recipients => ['x@tls.example'], sink => $ours->{port}, protocol => 'lmtp' );
    $postfix = Poterne::Postfix->start( %relay, root => "$root/postfix", host => '127.0.0.6', port => $port, more =>
        "smtpd_tls_security_level = encrypt\nsmtpd_tls_cert_file = $root/cert.pem\nsmtpd_tls_key_file = $root/key.pem\nsmtpd_tls_received_header = yes" );
    $id = put( $gateway, 'x@tls.example' );
    $outcome = becomes( $gateway, $id, 'x@tls.example', 'delivered' );
    is( $outcome->{state}, 'delivered', 'Postfix, which takes nothing without TLS' );
    like( $outcome->{relay} // '', qr/^tls\.example \[127\.0\.0\.6\]:$port, TLSv1\.3$/, '… and the journal says TLS' );
    wait_until( 20, sub { $ours->messages('x@tls.example') } );
    my ($got) = $ours->messages('x@tls.example');
    like( $got // '', qr/using TLSv1\.3/, '… as Postfix does' );
    like( $got // '', qr/^Received: from out\.poterne\.example /m, '… to which we said the name that is set' );
}

# --- no DNS ---

$dns->pause;
$id = put( $gateway, 'x@later.example' );
$outcome = becomes( $gateway, $id, 'x@later.example', 'deferred' );
is( $outcome->{state}, 'deferred', 'the DNS is dead: it waits' );
like( $outcome->{detail} // '', qr/4\.4\.3 /, '… and why' );
$dns->resume;
is( becomes( $gateway, $id, 'x@later.example', 'delivered' )->{state}, 'delivered', 'the DNS is back: delivered' );
is( scalar( $sink{one}->messages('x@later.example') ), 1, '… once' );
is( $gateway->stop, 0, 'the gateway ends as it should' );

$gateway = routes_gateway( never_to => '{ }', port => $port, tls => 'must' )->start;
my %must = map { ( $_ => put( $gateway, $_ ) ) } 'm@broken.example', 'm@one.example', $postfix ? 'x@tls.example' : ();
for my $to ( 'm@broken.example', 'm@one.example' ) {
    $outcome = becomes( $gateway, $must{$to}, $to, 'deferred' );
    is( $outcome->{state}, 'deferred', "TLS must be: $to waits" );
    like( $outcome->{detail} // '', qr/TLS/, '… and why' );
}
is( scalar( $sink{one}->messages('m@one.example') ), 0, '… indeed' );
SKIP: {
    skip 'no Postfix', 1 if !$postfix;
    is( becomes( $gateway, $must{'x@tls.example'}, 'x@tls.example', 'delivered' )->{state}, 'delivered', 'TLS must be, and is' );
    $postfix->stop;
}
is( $gateway->stop, 0, 'the gateway ends as it should' );

# --- where nobody else is ---

$gateway = routes_gateway( port => $port )->start;
$id = put( $gateway, 'y@plain.example' );
$outcome = becomes( $gateway, $id, 'y@plain.example', 'deferred' );
is( $outcome->{state}, 'deferred', 'addresses that are nobody else\'s are not gone to' );
like( $outcome->{detail} // '', qr/4\.4\.4 .*never_to/, '… and why' );
is( scalar( $sink{one}->messages('y@plain.example') ), 0, '… indeed' );
is( $gateway->stop, 0, 'the gateway ends as it should' );

$_->stop for values %sink, $ours;
$dns->stop;
done_testing();
