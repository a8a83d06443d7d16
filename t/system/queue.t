#!/usr/bin/perl
# `poterne queue`: what waits is found by what is known of it, counted, held, let go, requeued and deleted; what
# was ordered holds over kill -9, a reload and a restart; without a running gateway it is only looked at.
use strict;
use warnings;

use File::Temp qw(tempdir);
use IO::Socket::INET;
use IPC::Open2 qw(open2);
use Test::More;
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Mail qw(letter);
use Poterne::Process qw(free_port wait_until);
use Poterne::Sink;

use constant PATIENCE => 60;

my $root = tempdir( 'poterne-queue-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $port    = free_port();    # nobody is there until the end
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => {
        antivirus => { engines        => '{ }' },
        bounces   => { delay_warning  => '0' },
        gate      => { inside         => '{ 127.0.0.1 }' },
        queue     => { free_space_min => '0', retry_first => '1s', retry_max => '2s' },
    },
    domains => {
        'dead.example' => { next_hop => "lmtp://127.0.0.1:$port", recipients => [ map { "$_\@dead.example" } qw(one two three) ] },
        'home.example' => { next_hop => Poterne::Gateway::maildir_hop("$root/gateway"), recipients => ['me@home.example'] },
    }
)->start;

sub post {
    my ( $from, $to, $subject, $body ) = @_;
    my $result = $gateway->send_one( from => $from, to => [$to], data => \letter( $to, $subject, $body ) );
    my ($id) = $result->{text} =~ /\b([0-9A-Z]{26})\b/ or die "not accepted: $result->{text}\n";
    return $id;
}

sub queue { return $gateway->poterne( 'queue', @_ ) }

# Ids that `poterne queue list` has with these options.
sub ids {
    return join ' ', sort map { $_->{id} } $gateway->poterne_json( 'queue', 'list', @_ );
}

sub message {
    my ($id) = @_;
    return ( grep { $_->{id} eq $id } $gateway->poterne_json( 'queue', 'list' ) )[0] // {};
}

sub outcomes {
    my ($id) = @_;
    my ($message) = $gateway->poterne_json( 'trace', $id );
    return @{ ( $message->{recipients} // [] )->[0]{outcomes} // [] };
}

sub told {
    my ( $id, $what ) = @_;
    return wait_until( PATIENCE, sub { scalar grep { $_->{detail} =~ $what } outcomes($id) } );
}

# --- found ---

my $first  = post( 'me@home.example', 'one@dead.example',   'first' );
my $second = post( 'me@home.example', 'two@dead.example',   'second' );
my $large  = post( 'shop@far.example', 'three@dead.example', 'large', join '', ( 'y' x 70 . "\n" ) x 400 );
my $all    = join ' ', sort $first, $second, $large;
ok( wait_until( PATIENCE, sub { ids(qw(--state deferred)) eq $all } ), 'three messages wait, since the next hop is not there' );
is( ids(@$_), $first, "list @$_" ) for ['--recipient', 'ONE@dead.example'], [ '--recipient', 'one@*', '--sender', 'me@home.example' ];
is( ids(@$_), $large, "list @$_" )
    for [ '--larger', '10k' ], [ '--sender', 'shop@far.example' ], [ '--sender', '@far.example' ], [ '--sender', '*FAR*' ];
is( ids(@$_), $all, "list @$_" )
    for [ '--domain', 'dead.example' ], [ '--next-hop', "127.0.0.1:$port" ], [ '--next-hop', '127.0.0.1' ], [ '--reason', 'refused' ], [ '--newer', '1h' ], [];
is( ids(@$_), '', "list @$_: nothing" )
    for [ '--domain', 'home.example' ], [ '--next-hop', 'smtp://*' ], [ '--next-hop', '127.0.0' ], [ '--reason', 'mailbox full' ], [ '--older', '1h' ], [ '--state', 'held' ],
    [ '--account', '*' ], [ '--sender', 'e@home.example' ];
my ( $status, $said ) = queue( 'list', '--limit', 2 );
like( $said, qr/\n2 shown, there are more: see --limit\n\z/, 'a list is cut off where that is asked for' );
is( $status, 0, '… with status 0' );
like( ( queue('list') )[1], qr/\n3 messages in the queue\n\z/, '… and is whole otherwise' );
is( message($first)->{state}, 'deferred', 'each message says its state' );

# --- mistakes ---

for ( [ [ 'hold' ], qr/--all/ ], [ [ 'delete', 'x' ], qr/no message id/ ], [ [ 'list', '--state', 'x' ], qr/--state is/ ], [ [ 'list', '--older', 'x' ], qr/--older needs/ ],
    [ [ 'stats', '--by', 'x' ], qr/--by is/ ], [ [ 'hold', $first, '--all' ], qr/exclude each other/ ], [ ['nonsense'], qr/there is no `queue nonsense`/ ],
    [ [ 'delete', '--sender', '', '--yes' ], qr/--sender needs .*not an empty text; <> is the null sender/ ], [ [ 'hold', '--domain', '@' ], qr/--domain needs a domain/ ],
    [ [ 'list', '--yes' ], qr/does not take/ ], [ [ 'list', '--larger', '-1' ], qr/--larger needs/ ] )
{
    my ( $words, $why ) = @$_;
    ( $status, $said ) = queue(@$words);
    like( "$status $said", qr/^2 .*$why/s, "queue @$words" );
}

# --- counted ---

( $status, $said ) = queue('stats');
like( $said, qr/^TOTAL +3 +3( +0){9}$/m, 'stats: all, by age' );
like( $said, qr/^lmtp:.*\n?.* 3 +3( +0){9}\n +#{20} .*, 3 deferred$/m, '… by next hop' );
is( scalar( grep { length > 80 } split /\n/, $said ), 0, '… in 80 columns' );
my %by_sender = map { $_->{key} // '' => $_ } $gateway->poterne_json( 'queue', 'stats', '--by', 'sender' );
is( join( ' ', map { "$_=$by_sender{$_}{messages}" } sort keys %by_sender ), '=3 me@home.example=2 shop@far.example=1', '… by sender, for programs' );
is( $by_sender{'me@home.example'}{states}{deferred}, 2, '… with their states' );
my ($domain) = grep { !$_->{total} } $gateway->poterne_json( 'queue', 'stats', '--by', 'domain', '--sender', 'shop@*' );
is( "$domain->{key} $domain->{messages}", 'dead.example 1', '… of those that a filter fits' );

like( $said, qr/^  down, tried again in \d+:\d\d: .*refused/m, '… with the next hop that is down, and why' );
my ($hop) = grep { $_->{hop} } $gateway->poterne_json( 'queue', 'stats' );
ok( $hop->{hop}{down} && $hop->{hop}{error} =~ /refused/, '… for programs, too' );

# --- held ---

( $status, $said ) = queue( 'hold', '--sender', 'me@home.example', '--dry-run' );
like( $said, qr/\n2 messages would be held\n\z/, 'what would be held is listed' );
is( ids(qw(--state held)), '', '… and is not' );
is( join( ' ', queue( 'hold', '--sender', 'me@home.example' ) ), "0 2 messages held\n", 'hold' );
is( ids(qw(--state held)), join( ' ', sort $first, $second ), '… they are' );
my $who = getpwuid $>;
like( message($first)->{hold}{by}, qr/^by \S+/, '… it stands there by whom' );
like( ( queue( 'show', $first ) )[1], qr/^  on hold     since \d{4}-.* by \S+$/m, '… for people, too' );
ok( told( $first, qr/^held in the queue, by \S/ ), '… and in the journal' );
( $status, $said ) = queue( 'flush', $first );
like( "$status $said", qr/^2 .*is on hold/s, 'flush lets nothing go that is held' );
$gateway->signal_role( KILL => 'delivery' );
ok( $gateway->reload, 'delivery is killed, and all is reloaded' );
is( ids(qw(--state held)), join( ' ', sort $first, $second ), '… they are held' );
$gateway->crash;

# --- without a gateway ---

is( ids(qw(--state held)), join( ' ', sort $first, $second ), 'the gateway is away: they are held' );
like( ( queue('stats') )[1], qr/^TOTAL +3 .*\n.*2 held, 1 deferred$/m, '… and counted' );
for ( [ 'release', $first ], [ 'delete', '--all', '--yes' ], [ 'hold', '--all' ], ['flush'], [ 'requeue', $second ] ) {
    ( $status, $said ) = queue(@$_);
    like( "$status $said", qr/^2 .*0 of \d.*is poterned running\?/s, "queue @$_: says so" );
}
is( ids(), $all, '… and nothing was changed' );
$gateway->start;

# --- deleted ---

( $status, $said ) = queue( 'delete', '--sender', 'me@home.example' );
like( "$status $said", qr/^1 .*delete 2 messages\? Say so with --yes/s, 'many are not deleted by a slip' );
is( ids(), $all, '… and are there' );
is( ( queue( 'delete', $second, '--notify' ) )[0], 0, 'one is deleted by its id, and its sender is told' );
ok( wait_until( PATIENCE, sub { ids() !~ /$second/ } ), '… it is gone' );
ok( wait_until( PATIENCE, sub { scalar $gateway->maildir_messages('me@home.example') } ), '… he is told' );
my ($bounce) = $gateway->maildir_messages('me@home.example');
like( $bounce, qr/^Final-Recipient: rfc822;\s*two\@dead\.example\r?\nAction: failed\r?\nStatus: 5\.7\.1/m, '… that it failed' );
like( $bounce, qr/the postmaster deleted it from the queue/, '… and why' );
ok( told( $second, qr/^deleted from the queue, by \S+; its sender is told/ ), '… the journal has by whom' );
is( join( ' ', queue( 'delete', '--sender', '@far.example', '--yes' ) ), "0 1 message deleted\n", 'one is deleted by a filter' );
ok( wait_until( PATIENCE, sub { ids() eq $first } ), '… and gone' );
ok( told( $large, qr/^deleted from the queue, by \S+; at last: / ), '… with its last answer in the journal' );
is( ( outcomes($large) )[-1]{state}, 'deleted', '… as its outcome' );
is( join( ' ', queue( 'delete', '--sender', '@far.example', '--yes' ) ), "1 0 messages deleted\n", 'there is no other' );
( $status, $said ) = queue( 'release', $large );
like( "$status $said", qr/^1 .*does not wait for delivery/s, 'what is gone is named' );

# --- the next hop is somewhere else; requeued; let go ---

$gateway->crash;
my $sink = Poterne::Sink->start( root => "$root/sink" );
$gateway->{domains}{'dead.example'}{next_hop} = "lmtp://127.0.0.1:$sink->{port}";
$gateway->write_conf;
$gateway->start;
my $third = post( 'me@home.example', 'three@dead.example', 'third' );
ok( wait_until( PATIENCE, sub { scalar $sink->messages('three@dead.example') } ), 'the next hop is another one: mail goes there' );
like( join( ' ', queue( 'requeue', $first ) ), qr/^0 $first: is requeued, and still on hold/, 'requeued' );
is( message($first)->{state}, 'held', '… it is held' );
is( scalar( $sink->messages('one@dead.example') ), 0, '… and not tried' );
my $pid = open2( my $out, my $in, "$gateway->{build}/poterne", 'queue', 'release', '--config', $gateway->{conf}, '-' );
print {$in} "$first  some words\n";
close $in;
like( join( '', <$out> ), qr/^$first: goes on/, 'released, by an id on standard input' );
waitpid $pid, 0;
ok( $gateway->wait_for_empty_queue, '… it goes' );
is( scalar( $sink->messages('one@dead.example') ), 1, '… once' );
like( ( queue('list') )[1], qr/^0 messages in the queue$/m, 'the queue is empty' );
is( ( $gateway->poterne('audit') )[0], 0, 'poterne audit: each has one outcome' ) or diag +( $gateway->poterne('audit') )[1];
$gateway->stop;
done_testing();
