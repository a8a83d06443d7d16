#!/usr/bin/perl
# The gate before real clients: swaks behind a load balancer (PROXY) and behind a server of ours
# (XCLIENT), and a Postfix that greylisting sends away, which comes again by itself.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Mail qw(header_of);
use Poterne::Postfix;
use Poterne::Process qw(command_output wait_until);
use Poterne::Smtp;
use Poterne::Tree qw(command_there);

plan skip_all => 'swaks is not installed' if !command_there('swaks');
my $to = 'jean@gate.example';
my $root = tempdir( 'poterne-gate-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => {
        gate => {
            proxy_from     => '{ 127.0.0.2 }',
            xclient_from   => '{ 127.0.0.3 }',
            greylist       => 'yes',
            greylist_delay => '3s',
            harvest_limit  => 5,
            tarpit         => '0',
        }
    },
    domains => { 'gate.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [$to] } }
)->start;

# (exit status, transcript) of swaks from one of this machine's own addresses.
sub swaks {
    my ( $from, @options ) = @_;
    return command_output( '/usr/bin/swaks', '--server', "127.0.0.1:$gateway->{port}", '--local-interface', $from,
        '--from', 'a@remote.example', '--to', $to, @options );
}

sub arrived {
    my ($subject) = @_;
    my $found;
    wait_until( 20,
        sub { ($found) = grep { ( header_of( $_, 'Subject' ) // '' ) =~ /\Q$subject\E$/ } Poterne::Gateway::maildir_messages( { root => $root }, $to ) } );
    return $found // '';
}

for my $version ( 1, 2 ) {
    my @proxy = ( '--proxy-version', $version, '--proxy-family', $version == 1 ? 'TCP4' : 'AF_INET', '--proxy-source', "192.0.$version.1",
        '--proxy-source-port', 1025, '--proxy-dest', '198.51.100.7', '--proxy-dest-port', 25 );
    push @proxy, '--proxy-protocol', 'STREAM', '--proxy-command', 'PROXY' if $version == 2;
    my ( $status, $said ) = swaks( '127.0.0.2', @proxy );
    isnt( $status, 0, "PROXY version $version: put off" );
    like( $said, qr/<\*\* 451 4\.7\.1 Greylisted/, 'as greylisted' ) or diag($said);
    sleep 4;
    ( $status, $said ) = swaks( '127.0.0.2', @proxy, '--header', "Subject: proxied $version" );
    is( $status, 0, 'taken when it comes again' ) or diag($said);
    like( header_of( arrived("proxied $version"), 'Received' ), qr/\[192\.0\.$version\.1\]/, 'as the client behind' );
}
my ( $status, $said ) = swaks('127.0.0.2');
isnt( $status, 0, 'the load balancer itself, without a header, is not served' );
( $status, $said ) = swaks( '127.0.0.1', '--proxy', 'TCP4 192.0.2.1 198.51.100.7 1025 25' );
isnt( $status, 0, 'a stranger\'s header' );
like( $said, qr/500 5\.5\.1/, 'is no command' );

my @as = ( '--xclient', 'NAME=mail.remote.example ADDR=192.0.1.9 HELO=said.remote.example' );
( $status, $said ) = swaks( '127.0.0.3', @as, '--header', 'Subject: passed on' );
is( $status, 0, 'XCLIENT from a server of ours' ) or diag($said);
like( header_of( arrived('passed on'), 'Received' ), qr/from said\.remote\.example \(mail\.remote\.example \[192\.0\.1\.9\]\)/, 'says whose mail it is' );
( $status, $said ) = swaks( '127.0.0.1', @as );
like( $said, qr/did not advertise XCLIENT/, 'which is offered to nobody else' );

( $status, $said ) = $gateway->poterne( 'gate', 'list' );
like( $said, qr{2 networks came again when greylisted\n\s+192\.0\.\d\.0/24 }, '`poterne gate` lists who has come again' );
my @json = $gateway->poterne_json('gate');
is_deeply( [ sort map { $_->{network} } @json ], [ '192.0.1.0/24', '192.0.2.0/24' ], 'also for programs' );
( $status, $said ) = $gateway->poterne( 'gate', 'clear', '192.0.1.77' );
like( $said, qr/^1 forgotten/, 'and forgets one' );
is( ( $gateway->poterne( 'gate', 'clear', '192.0.1.77' ) )[0], 1, 'of which it knows nothing then' );

# Somebody tries names, until the managers let him in again.
my $guess = sub {
    my $smtp = Poterne::Smtp->new( port => $gateway->{port}, local => '127.0.0.3' );
    $smtp->command('XCLIENT ADDR=203.0.113.5');
    $smtp->hello;
    $smtp->command('MAIL FROM:<>');
    my @codes = map { ( $smtp->command("RCPT TO:<guess$_\@gate.example>") )[0] } 1 .. $_[0];
    $smtp->quit;
    return "@codes";
};
is( $guess->(7), '550 550 550 550 550 451 451', 'who guesses recipients is refused' );
like( ( $gateway->poterne('gate') )[1], qr{203\.0\.113\.0/24 .* 5 unknown, 0 known, refused until}, '`poterne gate` says until when' );
$gateway->poterne( 'gate', 'clear', '203.0.113.5' );
is( $guess->(1), '550', 'forgotten, at once' );
my $known = sub {
    return grep { $_->{refused} && $_->{refused}{code} == 451 } $gateway->poterne_json( 'trace', 'a@remote.example' );
};
ok( wait_until( 10, $known ), 'the journal knows who was put off' );

SKIP: {
    skip 'Postfix is not installed, or this is not root', 2 if !Poterne::Postfix->there;
    my $postfix = Poterne::Postfix->start(
        root       => "$root/postfix",
        domain     => 'gate.example',
        recipients => ['@gate.example'],
        sink       => $gateway->{port},
        more       => "minimal_backoff_time = 2s\nmaximal_backoff_time = 4s\nqueue_run_delay = 2s"
    );
    my $smtp = Poterne::Smtp->new( port => $postfix->{port} );
    my $letter = "Subject: by Postfix\n\nA letter.\n";
    my $result = $smtp->send( from => 'p@remote.example', to => [$to], data => \$letter );
    is( $result->{code}, 250, 'Postfix takes a message' );
    $smtp->quit;
    my $came = wait_until( 60, sub { length arrived('by Postfix') } );
    ok( $came, 'and brings it on its second try' );
    $postfix->stop;
}

is( $gateway->stop, 0, 'the gateway stops as asked' );
done_testing();
