#!/usr/bin/perl
# delivery is killed at each system call that it makes when a message of the queue is held, requeued, deleted, or
# deleted with a word to its sender. What it has said done is done afterwards; whatever it said, nothing is lost,
# deleted by half, or told twice. That it is done is said behind the sync of the record. ./check takes some of the calls, POTERNE_TEST_ALL=1 all.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Inject qw(calls_during kill_at threads);
use Poterne::Mail qw(letter);
use Poterne::Process qw(free_port wait_until);

plan skip_all => Poterne::Inject::missing() if Poterne::Inject::missing();

use constant { STRIDE => 18, PATIENCE => 60 };
my $all = $ENV{POTERNE_TEST_ALL};

my $root = tempdir( 'poterne-orders-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $port    = free_port();    # nobody is there
my $gateway = Poterne::Gateway->new(
    root     => $root,
    settings => {
        antivirus => { engines        => '{ }' },
        bounces   => { delay_warning  => '0' },
        gate      => { inside         => '{ 127.0.0.1 }' },
        limits_inside => Poterne::Gateway::no_limits_inside(),
        queue     => { free_space_min => '0', retry_first => '1h', retry_max => '1h' },
    },
    domains => {
        'box.example'  => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => ['me@box.example'] },
        'dead.example' => { next_hop => "lmtp://127.0.0.1:$port",            recipients => ['@dead.example'] },
    }
)->start;

# One that waits; its id.
sub post {
    my $result = $gateway->send_one( from => 'me@box.example', to => ['one@dead.example'], data => \letter('one@dead.example') );
    my ($id) = $result->{text} =~ /\b([0-9A-Z]{26})\b/ or die "not accepted: $result->{text}\n";
    return $id;
}

sub in_queue {
    my ($id) = @_;
    return -e "$root/state/queue/$id";
}

sub queued {
    my ($id) = @_;
    return ( grep { $_->{id} eq $id } $gateway->poterne_json('queue') )[0];
}

sub pid_of_delivery { return ( $gateway->processes->{delivery} // [] )->[0] // 0 }
sub times_ready { return scalar( () = $gateway->log_text =~ /ready: every process/g ) }

sub is_back {
    my ( $old, $times ) = @_;
    return wait_until( PATIENCE, sub { my $pid = pid_of_delivery(); $pid && $pid != $old && times_ready() >= $times } ) || die "delivery does not come back\n";
}

sub renew {
    my ( $pid, $times ) = ( pid_of_delivery(), times_ready() );
    kill 'KILL', $pid;
    return is_back( $pid, $times + 1 );
}

# The main thread, and all others.
sub groups {
    my ( $main, @others ) = threads( pid_of_delivery() );
    return ( [$main], \@others );
}

# Asked of a fresh process; what was answered. What comes of it has a while, if the process lives.
sub ask {
    my ( $id, $done, @words ) = @_;
    my ($status) = $gateway->poterne( 'queue', @words, $id );
    my $pid = pid_of_delivery();
    wait_until( 2, sub { $done->($id) || pid_of_delivery() != $pid } );
    return $status;
}

# How often it was told to its sender.
sub bounces_of {
    my ($id) = @_;
    my @texts = grep { /^Content-Type: multipart\/report/mi } $gateway->maildir_messages('me@box.example');
    return scalar grep { /\b\Q$id\E\b/ } @texts;
}

# { id => answer } of all tries; how many were deaths.
sub at_each_call {
    my ( $done, @words ) = @_;
    my ( %answer, @points );
    my $died = 0;
    for my $group ( 0 .. 1 ) {
        my $id = post();
        wait_until( PATIENCE, sub { ( queued($id) // {} )->{state} eq 'deferred' } );
        renew();
        for my $call ( calls_during( ( groups() )[$group], sub { $answer{$id} = ask( $id, $done, @words ) } ) ) {
            my ( $name, $times ) = @$call;
            push @points, map { [ $group, $name, $_ ] } 1 .. $times;
        }
    }
    for my $point ( $all ? @points : @points[ map { $_ * STRIDE } 0 .. $#points / STRIDE ] ) {
        my ( $group, $name, $nth ) = @$point;
        my $id = post();
        renew();
        my ( $pid, $times ) = ( pid_of_delivery(), times_ready() );
        kill_at( ( groups() )[$group], $name, $nth, sub { $answer{$id} = ask( $id, $done, @words ) } );
        next if pid_of_delivery() == $pid;
        $died++;
        is_back( $pid, $times + 1 );
    }
    cmp_ok( $died, '>', 0, "@words: $died deaths, of " . scalar(@points) . ' calls' );
    return \%answer;
}

# Of each that has a fate which is none.
sub none_of {
    my ( $what, $answers, $wrong ) = @_;
    my @ids = grep { $wrong->($_) } sort keys %$answers;
    is( "@ids", '', $what );
    return;
}

my $is_held = sub { ( queued( $_[0] ) // {} )->{state} // '' };
my $gone = sub { !in_queue( $_[0] ) };

my $held = at_each_call( sub { $is_held->( $_[0] ) eq 'held' }, 'hold' );
none_of( '… nothing is lost', $held, sub { !in_queue( $_[0] ) } );
none_of( '… what was said to be on hold is', $held, sub { $held->{ $_[0] } == 0 && $is_held->( $_[0] ) ne 'held' } );

my $requeued = at_each_call( sub { in_queue( $_[0] ) }, 'requeue' );
none_of( '… nothing is lost', $requeued, sub { !in_queue( $_[0] ) } );

my $deleted = at_each_call( $gone, 'delete' );
wait_until( PATIENCE, sub { !grep { $deleted->{$_} == 0 && in_queue($_) } keys %$deleted } );
none_of( '… what was said to be deleted is', $deleted, sub { $deleted->{ $_[0] } == 0 && in_queue( $_[0] ) } );
none_of( '… nobody was told', $deleted, sub { bounces_of( $_[0] ) } );

my $told = at_each_call( sub { !in_queue( $_[0] ) && bounces_of( $_[0] ) }, 'delete', '--notify' );
wait_until( PATIENCE, sub { !grep { $told->{$_} == 0 && ( in_queue($_) || !bounces_of($_) ) } keys %$told } );
none_of( '… what was said to be deleted is, and its sender was told', $told, sub { $told->{ $_[0] } == 0 && ( in_queue( $_[0] ) || !bounces_of( $_[0] ) ) } );
none_of( '… and nobody twice', $told, sub { bounces_of( $_[0] ) > 1 } );

# --- on the disk before it is said ---

# What strace says of all its threads while that is done.
sub calls_of {
    my ( $work, @options ) = @_;
    return join '', Poterne::Inject::traced( [ threads( pid_of_delivery() ) ], $work, '-y', '-s', 300, @options );
}

my $id = post();
my $calls = calls_of( sub { $gateway->poterne( 'queue', 'hold', $id ) }, '-e', 'trace=pwrite64,fdatasync,syncfs,sendmsg' );
my $record = qr/pwrite64\([^\n]*\/queue\/\Q$id\E>/;
my $synced = qr/(?:fdatasync|syncfs)(?:\([^\n]*>\)| resumed>\)) += 0\n/;
like( $calls, qr/$record.*$synced.*sendmsg\([^\n]*is on hold/s, 'an order is answered behind the sync of its record' );

# Nothing gets onto the disk.
my ( $status, $said );
calls_of( sub { ( $status, $said ) = $gateway->poterne( 'queue', 'release', $id ) }, '-e', 'trace=fdatasync,syncfs', '-e', 'inject=fdatasync,syncfs:error=EIO' );
isnt( $status, 0, 'one that does not get there is not said to be done' );
like( $said, qr/goes on, but after a power cut that may be forgotten/, '… but what is so' );
like( $gateway->log_text, qr/what was ordered about messages may be forgotten/, '… in the log, too' );

# Killed behind the answer.
for my $case ( [ 'hold', sub { $is_held->( $_[0] ) eq 'held' } ], [ 'release', sub { $is_held->( $_[0] ) ne 'held' } ], [ 'delete', $gone ] ) {
    my ( $word, $done ) = @$case;
    is( ( $gateway->poterne( 'queue', $word, $id ) )[0], 0, "$word is answered" );
    renew();
    ok( wait_until( PATIENCE, sub { $done->($id) } ), '… and holds behind a kill' );
}

is( ( $gateway->poterne( 'queue', 'delete', '--domain', 'dead.example', '--yes' ) )[0], 0, 'what is left is deleted' );
ok( $gateway->wait_for_empty_queue, '… the queue is empty' );
( $status, $said ) = $gateway->poterne('audit');
is( $status, 0, '… and each has one outcome: poterne audit' ) or diag $said;
is( scalar( () = $gateway->spooled('corrupt') ), 0, 'nothing was set aside' );
is( $gateway->stop, 0, 'all ends well' );
done_testing();
