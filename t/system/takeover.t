#!/usr/bin/perl
# poterned alone is killed under load, and another is started at once: it waits for the processes that are left, takes over
# and serves; nothing is lost, nothing comes twice, and never are there two that deliver. Nor do two poterned share what is
# one's: a run_dir, a state_dir.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Files qw(write_file);
use Poterne::Gateway;
use Poterne::Load;
use Poterne::Mail qw(letter);
use Poterne::Process qw(alive free_port start_process stop_process wait_until);

use constant { KILLS => $ENV{POTERNE_TEST_ALL} ? 10 : 2, LEAST => 10, LONG => 100 };

my $to = 'jean@takeover.example';
my @exclusive = qw(journal learner reports signatures delivery);
my $root = tempdir( 'poterne-takeover-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $gateway = Poterne::Gateway->new(
    root     => $root,
    settings => { queue => { retry_first => '1s', retry_max => '2s' } },
    domains  => {
        'takeover.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [$to] }
    }
)->start;

# kill -9 of poterned and of nobody else; the processes that are left.
sub behead {
    my $left = $gateway->processes;
    delete $left->{poterned};
    stop_process( delete $gateway->{pid}, 'KILL', 10 );
    return $left;
}

sub living {
    return grep { -e "/proc/$_" && role_state($_) ne 'Z' } @_;
}

sub role_state {
    my ($pid) = @_;
    open my $file, '<', "/proc/$pid/stat" or return 'Z';
    return ( readline($file) // '' ) =~ /\) (\S)/ ? $1 : 'Z';
}

# Started, but it need not serve yet.
sub start_another {
    my ($conf) = @_;
    return start_process( $gateway->{log}, "$gateway->{build}/gateway/poterned", '-c', $conf );
}

# Kinds of which one of `left` lives though the poterned `pid` has started another.
sub twice {
    my ( $pid, $left ) = @_;
    my $new = Poterne::Gateway::processes_below($pid);
    return grep { $new->{$_} && living( @{ $left->{$_} // [] } ) } @exclusive;
}

for my $round ( 1 .. KILLS ) {
    my $load = Poterne::Load->start( port => $gateway->{port}, to => $to, prefix => "r$round-", sessions => 4 );
    wait_until( 30, sub { LEAST <= grep {/^X-Sequence: r$round-/m} $gateway->maildir_messages($to) } );
    my $left = behead();
    my $from = length $gateway->log_text;
    my $began = time;
    my $pid = $gateway->{pid} = start_another( $gateway->{conf} );
    my %twice;
    my $ready = wait_until( LONG,
        sub { $twice{$_} = 1 for twice( $pid, $left ); substr( $gateway->log_text, $from ) =~ /ready: every process/ || !alive($pid) } );
    ok( $ready && alive($pid), "kill $round: another takes over" ) or diag( $gateway->log_end );
    note( 'it serves after ' . ( time - $began ) . ' s' );
    is_deeply( [ keys %twice ], [], '… and no two of a kind that owns something' );
    my $message = letter($to);
    is( $gateway->send_one( from => 'a@remote.example', to => [$to], data => \$message )->{code}, 250, '… mail is taken' );
    my $answers = $load->stop;
    my @taken = grep { $answers->{$_}[0] == 250 } keys %$answers;
    my @odd = grep { $answers->{$_}[0] !~ /^(?:250|4\d\d|0)$/ } keys %$answers;
    cmp_ok( scalar @taken, '>=', LEAST, '… as before' );
    is( scalar @odd, 0, '… who was not served heard 4xx, or nothing' ) or diag( map { "@{ $answers->{$_} }\n" } @odd );
    ok( $gateway->wait_for_empty_queue(60), '… and delivered' );
    my %times;
    $times{$_}++ for map { /^X-Sequence: (r$round-\S+)/m } $gateway->maildir_messages($to);
    is_deeply( [ grep { !$times{$_} } @taken ], [], '… nothing is lost' );
    is_deeply( [ grep { $times{$_} > 1 } keys %times ], [], '… nothing came twice' );
    ok( wait_until( LONG, sub { !living( map { @$_ } values %$left ) } ), '… those that were left have ended' )
        or diag( join ' ', living( map { @$_ } values %$left ) );
}

# Who still has the state is waited for, however long it takes (within limits), and stopping works meanwhile.
{
    my ($delivery) = @{ $gateway->processes->{delivery} };
    kill 'STOP', $delivery;
    my $left = behead();
    my $from = length $gateway->log_text;
    my $pid = start_another( $gateway->{conf} );
    ok( $gateway->wait_for_log( qr/poterned\[$pid\].*belongs to processes of another poterned/, $from, 30 ), 'one that still delivers: this is said' )
        or diag( $gateway->log_end );
    is_deeply( Poterne::Gateway::processes_below($pid), {}, '… and nothing is started meanwhile' );
    is( stop_process( $pid, 'TERM', 30 ), 0, '… who waits stops when asked to' );
    $pid = $gateway->{pid} = start_another( $gateway->{conf} );
    ok( $gateway->wait_for_log( qr/poterned\[$pid\].*belongs to processes/, $from, 30 ), '… the next one waits again' );
    kill 'CONT', $delivery;
    ok( $gateway->wait_for_log( qr/ready: every process/, $from ), '… and serves when that one has gone' );
    is_deeply( [ living( map { @$_ } values %$left ) ], [], '… with all others' );
}

# Another poterned that lives.
{
    my $from = length $gateway->log_text;
    my $pid = start_another( $gateway->{conf} );
    is( stop_process( $pid, 'CONT', 30 ) >> 8, 1, 'a second poterned ends' );
    like( substr( $gateway->log_text, $from ), qr/is another poterned running\?/, '… and says why' );

    my ( $port, $conf ) = ( free_port(), "$root/other.conf" );
    write_file( $conf, $gateway->conf_text =~ s{"\Q$root\E/run"}{"$root/run2"}r =~ s/127\.0\.0\.1:$gateway->{port}/127.0.0.1:$port/r );
    $from = length $gateway->log_text;
    $pid = start_another($conf);
    ok( $gateway->wait_for_log( qr/poterned\[$pid\].*belongs to processes of another poterned/, $from, 30 ), 'with another run_dir: the state is not its' )
        or diag( $gateway->log_end );
    is_deeply( Poterne::Gateway::processes_below($pid), {}, '… so that it starts nothing' );
    is( stop_process( $pid, 'TERM', 30 ), 0, '… until it is stopped' );
}

is( $gateway->stop, 0, 'the gateway stops as asked' );
done_testing();
