#!/usr/bin/perl
# Descriptors run out: clients hear 421 and nobody spins; when there are some again all goes on. First poterne-edge with
# few of them, then with none for a message of a session that is there, then every process of a gateway, which can't
# accept what connects to it.
use strict;
use warnings;

use File::Temp qw(tempdir);
use POSIX ();
use Socket qw(AF_UNIX SOCK_SEQPACKET SOCK_STREAM pack_sockaddr_un);
use Test::More;
use Time::HiRes qw(sleep time);
use lib 't/lib';
use Poterne::Faults;
use Poterne::Gateway;
use Poterne::Process qw(wait_until);
use Poterne::World;

use constant { CLIENTS => 40, SECONDS => 3, SHARE => 0.5 };

# Seconds of processor time that these processes have had.
sub cpu_of {
    my $ticks = 0;
    for my $pid (@_) {
        open my $file, '<', "/proc/$pid/stat" or next;
        my ( $user, $system ) = ( split ' ', readline($file) =~ s/^.*\) //r )[ 11, 12 ];
        $ticks += $user + $system;
    }
    return $ticks / POSIX::sysconf( POSIX::_SC_CLK_TCK() );
}

# --- edge ---

{
    my $world = Poterne::World->start( files => 40, settings => 'smtp { client_sessions_limit = 1000; commit_threads = 1 }' );
    my $pid = $world->edge_pid;
    my @clients = map { $world->client( silent => 1 ) } 1 .. CLIENTS;
    my ( %said, @served );
    for my $client (@clients) {
        my $reply = $client->hear(30) // 'silence';
        $said{ substr $reply, 0, 9 }++;
        push @served, $client if $reply =~ /^220/;
    }
    is( $said{silence} // 0, 0, 'nobody is left without an answer' );
    cmp_ok( $said{'421 4.3.2'} // 0, '>', 0, 'some hear 421' );
    cmp_ok( scalar @served, '>', 0, 'some are served' );
    is( @served + ( $said{'421 4.3.2'} // 0 ), CLIENTS, 'all of them one or the other' ) || diag explain \%said;
    my $before = cpu_of($pid);
    my @more = map { $world->client( silent => 1 ) } 1 .. 5;
    sleep SECONDS;
    cmp_ok( cpu_of($pid) - $before, '<', SECONDS * SHARE, 'it does not spin meanwhile' );
    $served[0]->ask('EHLO client.example');
    like( $served[0]->send_mail("Subject: x\n\nno descriptor\n"), qr/^(?:250|4[25]1) /, 'who is in may be put off, and nothing else' );
    $_->hang_up for @clients, @more;
    my $reply;
    ok( wait_until( 30, sub { $reply = eval { $world->client->send_mail("Subject: x\n\nagain\n") } // ''; $reply =~ /^250 / } ),
        'when there are some again mail is taken' );
    is( $world->edge_pid, $pid, 'by the same process' );
    like( $world->log, qr/no new session: Too many open files/, 'the log says what to do' );
    is( $world->stop, 0, 'drained' );
}

# --- a message of a session that is there ---

{
    my $files = 40;
    my $world = Poterne::World->start( files => $files, settings => 'smtp { client_sessions_limit = 1000; commit_threads = 1 }' );
    my $pid = $world->edge_pid;
    my $client = $world->client;
    like( $client->send_mail("Subject: x\n\nbefore\n"), qr/^250 /, 'a message' );
    my ( @others, $reply );
    while ( @others < $files ) {
        my $other = $world->client( silent => 1 );
        $reply = $other->hear(30) // 'silence';
        last if $reply !~ /^220/;
        push @others, $other;
    }
    like( $reply, qr/^421 4\.3\.2 /, scalar(@others) . ' others take what descriptors there are' );
    like( $client->send_mail("Subject: x\n\nnone left\n"), qr/^451 4\.3\.0 /, 'without one for its file a message is put off' );
    like( $client->ask( 'MAIL FROM:<a@b.example>', 'RCPT TO:<jean@ours.example>' ), qr/^250 /, 'by BDAT: the session says MAIL and RCPT' );
    $client->bytes("BDAT 4\r\nQUIT");
    like( $client->hear, qr/^451 4\.3\.0 /, '… its chunk is put off' );
    like( $client->ask('RSET'), qr/^250 /, '… and none of it taken for a command' );
    like( $world->log, qr{cannot create \S+/incoming/\w+: Too many open files}, '… the log says why' );
    is( scalar $world->files('queue'), 1, '… and nothing is in the queue' );

    # what it needs further, one by one: to read it, to have it scanned …
    my $taken = 1;
    for my $spare ( 1 .. 6 ) {
        my $before = () = glob "/proc/$pid/fd/*";
        ( shift @others )->hang_up;
        ok( wait_until( 30, sub { scalar( () = glob "/proc/$pid/fd/*" ) < $before } ), "$spare are free" );
        $reply = $client->send_mail("Subject: x\n\n$spare left\n");
        like( $reply, qr/^(?:250 2\.0\.0 Accepted|451 4\.3\.)/, '… a message is put off, or taken' );
        $taken += $reply =~ /^250/;
    }
    is( scalar $world->files('queue'), $taken, 'what was said to be taken is there, and nothing else' );
    $_->hang_up for @others;
    ok( wait_until( 30, sub { $client->send_mail("Subject: x\n\nafter\n") =~ /^250 / } ), 'the same session goes on when there are enough again' );
    is( $world->edge_pid, $pid, '… with the same process' );
    is( scalar $world->files('incoming'), 0, '… of which nothing is left over' );
    is( $world->stop, 0, 'drained' );
}

# --- all processes ---

SKIP: {
    my $missing = Poterne::Faults::missing();
    skip $missing, 1 if $missing;
    my $root = tempdir( 'poterne-descriptors-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
    chmod 0755, $root;
    my $faults = Poterne::Faults->new;
    my $gateway = Poterne::Gateway->new(
        root     => $root,
        settings => { resolver => { enabled => 'yes' } },
        domains => { 'box.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => ['@box.example'] } }
    );
    $faults->loaded( sub { $gateway->start } );
    my $text = "Subject: x\n\nhello\n";
    my $send = sub { eval { $gateway->send_one( from => 'anne@box.example', to => ['jean@box.example'], data => \$text ) } // { code => 0 } };
    is( $send->()->{code}, 250, 'a message' );
    my %pids = %{ $gateway->processes };
    delete $pids{poterned};
    my @doors = glob "$root/run/*.sock";
    cmp_ok( scalar @doors, '>=', 7, 'processes that listen: ' . join ' ', map {m{([^/]+)\.sock$}} @doors );

    $faults->order( kinds => ['accept'], error => 'EMFILE', nth => 1, burst => 1_000_000_000 );
    my @waiting;
    for my $door (@doors) {
        for my $kind ( SOCK_SEQPACKET, SOCK_STREAM ) {
            socket my $socket, AF_UNIX, $kind, 0 or die "socket: $!\n";
            push @waiting, $socket if connect $socket, pack_sockaddr_un($door);
        }
    }
    is( scalar @waiting, scalar @doors, 'somebody waits at each' );
    my %before = map { $_ => cpu_of( @{ $pids{$_} } ) } keys %pids;
    sleep SECONDS;
    my %took = map { $_ => cpu_of( @{ $pids{$_} } ) - $before{$_} } keys %pids;
    cmp_ok( $took{$_}, '<', SECONDS * SHARE, "$_ does not spin" ) for sort keys %took;
    cmp_ok( $faults->lift, '>', @doors, 'they were asked to accept, and could not' );
    close $_ for @waiting;
    my $code;
    ok( wait_until( 60, sub { $code = $send->()->{code}; $code == 250 } ), 'when there are descriptors mail is taken' ) || diag $code;
    ok( $gateway->wait_for_empty_queue(60), 'and delivered' );
    my %now = %{ $gateway->processes };
    is( "@{ $now{$_} // [] }", "@{ $pids{$_} }", "$_ lives on" ) for sort keys %pids;
    is( $gateway->stop, 0, 'all ends well' );
}
done_testing();
