#!/usr/bin/perl
# poterne-edge among neighbours that answer by the words of a message, die, hang and go away.
use strict;
use warnings;
use POSIX ();
use Test::More;
use lib 't/lib';
use Poterne::Process qw(wait_until);
use Poterne::World;

# no step may be given longer than the whole scan
my $quick = "antivirus { timeout = 1s }\ncontent { timeout = 2s }\nresolver { time_per_message = 1s }";

# --- what becomes of messages ---

{
    my $world = Poterne::World->start;
    my $client = $world->client;

    my $reply = $client->send_mail("Subject: x\n\nhello\n..dots\n");
    my ($id) = $reply =~ /^250 2\.0\.0 Accepted as ([0-9A-Z]{26})$/;
    ok( $id, 'a message is accepted under its id' ) or diag $reply;
    is( $world->told(qr/^queued/), "queued $id", 'delivery is told' );
    is_deeply( [ $world->files('queue') ], [$id], 'it is in the queue' );
    my $stored = $world->file( queue => $id );
    is( substr( $stored, 64, 28 ), "Subject: x\r\n\r\nhello\r\n.dots\r\n", 'as it was sent' );
    like( $stored, qr/Received: from client\.example \(unknown \[127\.0\.0\.1\]\)\r\n\tby mx\.ours\.example /,
        'with a Received field' );

    $reply = $client->send_mail("Test: infected\n");
    like( $reply, qr/^250 /, 'an infected one is accepted' );
    like( $world->told(qr/^accepted/) // '', qr/^accepted \w{26}$/, 'the journal hears of it' );
    like( $world->told(qr/^held/) // '', qr/^held /, 'and held' );
    is( scalar $world->files('quarantine'), 1, 'in quarantine' );

    like( $client->send_mail("Test: hops\n"), qr/^554 5\.4\.6 /, 'a loop is refused' );
    like( $world->told(qr/^refused content/) // '', qr/^refused content 554/, 'and the journal hears of it' );
    like( $client->send_mail("Test: spam\n"), qr/^250 /, 'spam is accepted' );

    like( $client->ask( 'MAIL FROM:<a@b.example>', 'RCPT TO:<nobody@ours.example>' ),
        qr/^550 5\.1\.1 /, 'unknown recipient' );
    is( $world->told(qr/^refused rcpt/), 'refused rcpt 550 nobody@ours.example', 'the journal hears of that, too' );
    like( $client->ask('RCPT TO:<down@ours.example>'), qr/^451 4\.3\.0 /, 'directory can\'t tell' );
    like( $client->ask('RCPT TO:<jean@other.example>'), qr/^550 5\.7\.1 /, 'not our domain' );
    like( $client->ask('QUIT'),                         qr/^221 /,          'good-bye' );
    ok( $client->closed, 'closed' );
    is( scalar $world->files('incoming'), 0, 'nothing is left in incoming' );
    is( $world->stop, 0, 'drained' );
}

# --- neighbours that fail ---

{
    my $world = Poterne::World->start( settings => "smtp { scan_timeout = 2s }\n$quick" );
    my $client = $world->client;

    my $mute = $world->client;
    $mute->say( 'MAIL FROM:<>', 'RCPT TO:<mute@ours.example>', 'RCPT TO:<jean@ours.example>' );
    like( $client->send_mail("hello\n"), qr/^250 /, 'nobody waits for a look-up of another' );
    like( $mute->hear(3), qr/^250 /, 'and what is known is said' );

    like( $client->send_mail("Test: die\n"), qr/^451 4\.3\.2 /, 'a worker that dies costs a 451' );
    like( $client->send_mail("Test: die\n"), qr/^451 4\.3\.2 /, 'and one more, as long as it answers nobody' );
    like( $client->send_mail("hello\n"),     qr/^250 /,         'others are answered' );
    like( $client->send_mail("Test: die\n"), qr/^250 /,         'so it is the message\'s fault' );
    like( $world->told(qr/^held/) // '', qr/^held /, 'which is held' );
    like( $client->send_mail("Test: die\n"),    qr/^250 /,         'from then on without being scanned' );
    like( $client->send_mail("Test: av-die\n"), qr/^451 4\.3\.2 /, 'antivirus dies' );
    like( $client->send_mail("Test: die\n\nTest: infected\n"), qr/^250 /, 'what antivirus found counts alone' );

    my $other = $world->client;
    $client->say( 'MAIL FROM:<>', 'RCPT TO:<jean@ours.example>', 'DATA', 'Test: hang', '.' );
    like( $other->send_mail("hello\n"), qr/^250 /, 'nobody waits for one that hangs' );
    $client->hear for 1 .. 3;
    like( $client->hear, qr/^451 4\.3\.2 /, 'which gets 451 in time' );

    $world->command('content off');
    like( $client->send_mail("hello\n"), qr/^451 4\.3\.2 /, 'content is away' );
    $world->command('content on');
    my $back;
    wait_until( 10, sub { ( $back = $client->send_mail("hello\n") ) =~ /^250 / } );
    like( $back, qr/^250 /, 'and back' );

    like( $client->ask( 'MAIL FROM:<>', 'RCPT TO:<die1@ours.example>' ),
        qr/^451 4\.3\.0 /, 'an address that ends the directory twice' );
    like( $client->ask('RCPT TO:<jean@ours.example>'), qr/^250 /, 'does not end the next one' );
    $world->command('directory off');
    ok( wait_until( 5, sub { $client->ask('RCPT TO:<jean@ours.example>') =~ /^451 4\.3\.0 / } ), 'directory is away' );
    $world->command('directory on');
    ok( wait_until( 15, sub { $client->ask('RCPT TO:<jean@ours.example>') =~ /^250 / } ), 'and back' );
    $world->command("$_ off") for qw(delivery journal);
    like( $client->ask('RSET'), qr/^250 /, 'reset' );
    like( $client->send_mail("hello\n"), qr/^250 /, 'neither delivery nor journal is needed' );

    like( $mute->hear(20), qr/^451 4\.3\.0 .*mute/, 'the look-up is given up in time' );
    like( $mute->hear, qr/^250 /, 'and the reply behind it comes' );
    is( $world->stop, 0, 'drained' );
}

# --- limits ---

{
    my $world = Poterne::World->start(
        settings => 'smtp { sessions_limit = 6; client_sessions_limit = 4; command_timeout = 2s; data_timeout = 3s }' );
    my @clients = map { $world->client } 1 .. 4;
    like( $world->client( silent => 1 )->hear, qr/^421 4\.7\.0 /, 'too many sessions from one address' );
    $clients[0]->say( 'MAIL FROM:<>', 'RCPT TO:<jean@ours.example>', 'DATA', 'half' );
    $clients[1]->bytes('MAIL FR');
    $clients[0]->hear for 1 .. 3;
    like( $clients[1]->hear, qr/^421 4\.4\.2 /, 'silence in a command' );
    ok( $clients[1]->closed, 'is ended' );
    like( $clients[0]->hear, qr/^421 4\.4\.2 /, 'silence in a message, later' );
    is( scalar $world->files('incoming'), 0, 'which is removed' );
    like( $clients[2]->hear, qr/^421 4\.4\.2 /, 'silence' );
    like( $world->client( silent => 1 )->hear, qr/^220 /, 'there is room again' );
}

{
    my $world = Poterne::World->start( settings => "smtp { scans_limit = 1; scan_wait_limit = 2; scan_timeout = 3s }\n$quick" );
    my @clients = map { $world->client } 1 .. 4;
    for my $client (@clients) {
        $client->say( 'MAIL FROM:<>', 'RCPT TO:<jean@ours.example>', 'DATA', 'Test: hang', '.' );
        $client->hear for 1 .. 3;
    }
    like( $clients[3]->hear(2), qr/^451 4\.3\.2 All scanners are busy/, 'the waiting line has an end' );
    like( $clients[0]->hear, qr/^451 4\.3\.2 Message could not be examined/, 'the one that was scanned' );
    like( $_->hear, qr/^451 4\.3\.2 /, 'one that waited' ) for @clients[ 1, 2 ];
}

{
    my $world = Poterne::World->start( settings => 'queue { free_space_min = 1024G }' );
    my $client = $world->client;
    like( $client->ask('MAIL FROM:<>'), qr/^452 4\.3\.1 /, 'the disk is nearly full' );
}

{
    my $world = Poterne::World->start( settings => 'smtp { recipients_limit = 10000 }' );
    my $client = $world->client;
    my @rcpt = map {"RCPT TO:<r$_\@ours.example>"} 1 .. 10_500;
    splice @rcpt, 100, 10, ('RCPT TO:<r1@OURS.example>') x 10;
    local $SIG{ALRM} = sub { die "too slow\n" };
    alarm 60;
    my $pid = fork // die "fork: $!\n";
    if ( !$pid ) {
        $client->say( 'MAIL FROM:<>', @rcpt, 'DATA' );
        POSIX::_exit(0);
    }
    my %said;
    $said{ substr $client->hear // '', 0, 3 }++ for 1 .. 10_501;
    waitpid $pid, 0;
    is( $said{250}, 10_001, '10 000 recipients' );
    is( $said{452}, 500,    'and not one more' );
    like( $client->hear, qr/^354 /, 'DATA' );
    $client->say( 'hello', '.' );
    my ($id) = $client->hear =~ /^250 .* (\S+)$/;
    my $stored = $world->file( queue => $id );
    my %got;
    $got{$_}++ for $stored =~ /(r\d+\@ours\.example)/gi;
    is( scalar keys %got, 9_990, 'each of them once' );
    alarm 0;
}

# --- large, slow and rude ---

{
    my $world = Poterne::World->start;
    my $client = $world->client;
    my $text = join '', map { sprintf "%s%d %s\r\n", $_ % 7 ? '' : '.', $_, 'x' x ( $_ % 900 ) } 1 .. 20_000;
    ( my $stuffed = $text ) =~ s/^\./../mg;
    $client->say( 'MAIL FROM:<>', 'RCPT TO:<jean@ours.example>', 'DATA' );
    $client->hear for 1 .. 3;
    $client->bytes("$stuffed.\r\n");
    my ($id) = $client->hear =~ /^250 .* (\S+)$/;
    ok( substr( $world->file( queue => $id ), 64, length $text ) eq $text, 'nine megabytes, byte for byte' );

    my $deaf = $world->client;
    for ( 1 .. 2000 ) {
        last if !$deaf->bytes( "NOOP\r\n" x 1000 ) || !IO::Select->new( $deaf->{socket} )->can_write(0.5);
    }
    like( $client->ask('NOOP'), qr/^250 /, 'who never reads its replies blocks nobody' );

    my $gone = $world->client;
    $gone->say( 'MAIL FROM:<>', 'RCPT TO:<jean@ours.example>', 'DATA' );
    $gone->hear for 1 .. 3;
    $gone->say('half');
    ok( wait_until( 5, sub { $world->files('incoming') } ), 'a message begins' );
    $gone->hang_up;
    ok( wait_until( 5, sub { !$world->files('incoming') } ), 'and is removed when its client goes away' );

    my $early = $world->client( silent => 1 );
    $early->say( 'EHLO early.example', 'MAIL FROM:<>' );
    like( $early->hear, qr/^220 /, 'an early talker is served' );

    my $late = $world->client;
    $late->say( 'MAIL FROM:<>', 'RCPT TO:<jean@ours.example>', 'DATA' );
    $late->hear for 1 .. 3;
    my $idle = $world->client;
    $world->command('drain');
    like( $idle->hear, qr/^421 4\.3\.2 /, 'drain: an idle session is ended' );
    $late->say( 'hello', '.' );
    like( $late->hear, qr/^250 /,         'a message under way is not' );
    like( $late->hear, qr/^421 4\.3\.2 /, 'and the session is ended behind it' );
    $_->hang_up for $deaf, $early;
    like( $world->told( qr/^exit/, 60 ), qr/^exit 0$/, 'then edge ends' );
}

# --- after a crash ---

{
    my $world = Poterne::World->start;
    my $client = $world->client;
    $client->say( 'MAIL FROM:<>', 'RCPT TO:<jean@ours.example>', 'DATA' );
    $client->hear for 1 .. 3;
    $client->say('half');
    ok( wait_until( 5, sub { $world->files('incoming') } ), 'a message begins' );
    kill KILL => $world->edge_pid;
    like( $world->told(qr/^exit/), qr/^exit 137/, 'edge is killed' );
    my $next = Poterne::World->start( folder => $world->{folder} );
    is( scalar $next->files('incoming'), 0, 'the next one removes what was being received' );
}

done_testing();
