#!/usr/bin/perl
# Each kind of process is killed under load, all of the kind at once and again: a client hears 250,
# 4xx or that the connection is lost, and nothing that 250 was said for is lost. Then everything
# is killed at once, as by a power cut.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(sleep);
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Load;
use Poterne::Mail qw(letter);
use Poterne::Process qw(wait_until);

my $to = 'jean@kill.example';
my $root = tempdir( 'poterne-kill-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $gateway = Poterne::Gateway->new(
    root     => $root,
    settings => {
        smtp      => { scan_timeout => '10s' },
        antivirus => { timeout      => '5s' },
        content   => { timeout      => '5s' },
        queue => { retry_first => '1s', retry_max => '2s' }
    },
    domains  => {
        'kill.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [$to] }
    }
)->start;

# { sequence => how often it was delivered }
sub delivered {
    my %times;
    $times{$_}++ for map { /^X-Sequence: (\S+)/m } $gateway->maildir_messages($to);
    return \%times;
}

# Those of `ids` of which the journal doesn't know that they were delivered.
sub without_outcome {
    my %outcome;
    for my $story ( $gateway->poterne_json( 'trace', '--limit', 10000, $to ) ) {
        $outcome{ $story->{id} } = $story->{recipients}[0]{state} if $story->{id};
    }
    return grep { ( $outcome{$_} // '' ) ne 'delivered' } @_;
}

my %seen;    # sequences of earlier rounds

# What must hold after a round, whatever was killed in it.
sub judge {
    my ( $what, $answers, $may_repeat ) = @_;
    my @taken = grep { $answers->{$_}[0] == 250 } keys %$answers;
    my @odd = grep { $answers->{$_}[0] !~ /^(?:250|4\d\d|0)$/ } keys %$answers;
    cmp_ok( scalar @taken, '>', 10, "$what: mail went on" );
    is( scalar @odd, 0, "$what: the others heard 4xx" ) or diag( map { "@{ $answers->{$_} }\n" } @odd );
    ok( $gateway->wait_for_empty_queue(60), "$what: the queue gets empty" );
    my $times = delivered();
    delete @{$times}{ keys %seen };
    my @lost = grep { !$times->{$_} } @taken;
    my @twice = grep { $times->{$_} > 1 } keys %$times;
    is( scalar @lost, 0, "$what: nothing is lost" ) or diag("@lost");
    is( scalar @twice, 0, "$what: nothing came twice" ) or diag("@twice") if !$may_repeat;
    my @ids = map { $answers->{$_}[1] =~ /\b([0-9A-Z]{26})\b/ } @taken;
    my @open = without_outcome(@ids);    # a file leaves the queue when the journal has committed
    is( scalar @open, 0, "$what: the journal has the outcome of each" ) or diag("@open");
    note( sprintf '%s: %d of %d taken, %d delivered', $what, scalar @taken, scalar keys %$answers, scalar keys %$times );
    $seen{$_} = 1 for keys %$answers;
    return;
}

# A fresh name for each round, or sequences of two would meet.
my $rounds = 0;

sub load {
    $rounds++;
    return Poterne::Load->start( port => $gateway->{port}, to => $to, prefix => "r$rounds-" );
}

for my $role (qw(content antivirus signatures directory delivery journal learner reports edge)) {
    my $load = load();
    sleep 1;
    my $killed = 0;
    for ( 1 .. 2 ) {
        my $from = length $gateway->log_text;
        $killed += $gateway->signal_role( 'KILL', $role );
        $gateway->wait_for_log( qr/ready: every process/, $from, 40 );
        sleep 0.5;
    }
    cmp_ok( $killed, '>=', 2, "$role was killed" );
    judge( $role, $load->stop, $role eq 'delivery' );
}

# One worker only, its leader lives.
for my $role (qw(content antivirus)) {
    my $load = load();
    sleep 0.5;
    my @workers = @{ $gateway->processes->{$role} };
    for ( 1 .. 5 ) {
        $gateway->signal_role( 'KILL', $role, sub { $_[-1] } );
        sleep 0.3;
    }
    judge( "one $role worker", $load->stop );
    ok( wait_until( 10, sub { @{ $gateway->processes->{$role} } == @workers } ), "$role: as many workers as before" );
}

# All at once.
{
    my $load = load();
    sleep 1.5;
    $gateway->crash;
    my $answers = $load->stop;
    $gateway->start;
    judge( 'everything', $answers, 1 );
    is( scalar( () = $gateway->spooled('incoming') ), 0, 'what was half received is gone' );
}

# A file of the queue that can't be read is set aside and reported, and the rest is served.
{
    $gateway->stop;
    my $path = "$root/state/queue/01ARZ3NDEKTSV4RRFFQ69G5FAV";
    Poterne::Gateway::write_file( $path, 'no spool file at all' );
    chmod 0660, $path;
    chown( ( stat "$root/state/queue" )[ 4, 5 ], $path );
    my $from = length $gateway->log_text;
    $gateway->start;
    ok( $gateway->wait_for_log( qr/01ARZ3NDEKTSV4RRFFQ69G5FAV/, $from, 20 ), 'a damaged file is reported' );
    is_deeply( [ $gateway->spooled('corrupt') ], ['01ARZ3NDEKTSV4RRFFQ69G5FAV'], 'and set aside' );
    my $message = letter($to);
    is( $gateway->send_one( from => 'a@remote.example', to => [$to], data => \$message )->{code}, 250, 'mail goes on' );
    ok( $gateway->wait_for_empty_queue, 'and is delivered' );
}

is( $gateway->stop, 0, 'the gateway stops as asked' );
done_testing();
