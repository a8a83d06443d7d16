#!/usr/bin/perl
# 2 000 real messages through the gateway, with parts that nobody here wrote: Postfix's smtp-source
# and swaks bring them over 20 sessions at once, Dovecot takes them by LMTP and gives them out by
# IMAP. Each comes out once, byte for byte but for the header edits; EICAR is in quarantine.
use strict;
use warnings;

use File::Temp qw(tempdir);
use POSIX ();
use Test::More;
use lib 't/lib';
use Poterne::Data qw(corpus_messages as_client_sends);
use Poterne::Dovecot;
use Poterne::Gateway;
use Poterne::Mail qw(difference eicar);
use Poterne::Process qw(command_output);
use Poterne::Tree qw(command_there slurp);

use constant { MESSAGES => 2000, SESSIONS => 20, SWAKS => 20, USERS => 10, EICARS => 3 };
my $domain = 'relay.example';

my @messages = corpus_messages(MESSAGES);
plan skip_all => 'the corpora of ../shared/data are absent' if !@messages;
plan skip_all => 'Dovecot (dovecot-lmtpd, dovecot-imapd) is not installed' if !Poterne::Dovecot->there;
my ($smtp_source) = grep { -x } '/usr/sbin/smtp-source', '/usr/bin/smtp-source';
plan skip_all => "Postfix's smtp-source is not installed" if !$smtp_source;
my $swaks = command_there('swaks') ? SWAKS : 0;

my $root = tempdir( 'poterne-relay-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
mkdir "$root/sent";
my $dovecot = Poterne::Dovecot->start("$root/dovecot");
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => { smtp => { client_sessions_limit => 200 } },
    domains  => {
        $domain => {
            next_hop   => "lmtp://127.0.0.1:$dovecot->{lmtp}",
            recipients => [ map { "user$_\@$domain" } 0 .. USERS - 1 ]
        }
    }
)->start;

# What was learned before decides with the rules who gets the tag.
my @lesson = grep { my $path = $_->[1]; !grep { $_->[1] eq $path } @messages } corpus_messages( MESSAGES + 1001 );
for my $label (qw(spam ham)) {
    my ( $status, $said ) = $gateway->poterne( 'learn', "--$label", map { $_->[1] } grep { $_->[0] eq $label } @lesson );
    is( $status, 0, "$label is learned" ) or diag($said);
}
ok( $gateway->wait_for_log( qr/ready: every process.*ready: every process/s, 0, 30 ), 'the new model is taken up' );

# What is sent: a number on top tells them apart later. Both clients put an empty line behind it.
my @sent;
for my $number ( 0 .. $#messages ) {
    my $text = "X-Sequence: $number\n" . as_client_sends( slurp( $messages[$number][1] ) );
    Poterne::Gateway::write_file( "$root/sent/$number", $text );
    push @sent, "$text\n";
}

sub user_of {
    my ($number) = @_;
    return 'user' . $number % USERS . "\@$domain";
}

sub command_for {
    my ($number) = @_;
    my $server = "127.0.0.1:$gateway->{port}";
    my @envelope = ( 'sender@remote.example', user_of($number) );
    return ( $smtp_source, '-f', $envelope[0], '-t', $envelope[1], '-F', "$root/sent/$number", $server )
        if $number >= $swaks;
    return (
        '/usr/bin/swaks', '--silent', '2', '--server', $server, '--from', $envelope[0], '--to', $envelope[1],
        '--data', "\@$root/sent/$number"
    );
}

# SESSIONS senders at once, each with its share: "number answer" of those that were not taken.
sub send_all {
    my @pipes;
    for my $sender ( 0 .. SESSIONS - 1 ) {
        my $pid = open( my $pipe, '-|' ) // die "fork: $!\n";
        if ( !$pid ) {
            for ( my $number = $sender ; $number < @sent ; $number += SESSIONS ) {
                my ( $status, $output ) = command_output( command_for($number) );
                print "$number $output\0" if $status != 0;
            }
            close STDOUT;
            POSIX::_exit(0);
        }
        push @pipes, $pipe;
    }
    local $/ = "\0";
    my @refused = map { readline $_ } @pipes;
    close $_ for @pipes;
    return @refused;
}

sub first_ten {
    my @lines = @_;
    return join "\n", @lines > 10 ? @lines[ 0 .. 9 ] : @lines;
}

my @refused = send_all();
is( scalar @refused, 0, 'every message was taken' ) or diag( first_ten(@refused) );
for my $number ( 1 .. EICARS ) {
    my $message = eicar( user_of(0) );
    my $result = $gateway->send_one( from => 'v@remote.example', to => [ user_of(0) ], data => \$message );
    is( $result->{code}, 250, "EICAR $number: the sender is not told" );
}
ok( $gateway->wait_for_empty_queue(300), 'the queue gets empty' );

# What came out.
my ( %times, @different, @unsigned, $tagged );
for my $user ( map { "user$_\@$domain" } 0 .. USERS - 1 ) {
    for my $message ( $dovecot->messages($user) ) {
        my ($number) = $message =~ /^X-Sequence: (\d+)\r$/m;
        if ( !defined $number ) {
            push @different, "$user got a message that nobody sent";
            next;
        }
        $times{$number}++;
        $tagged++ if $message =~ /^X-Spam-Flag: YES\r$/m;
        push @unsigned, $number if $message !~ /^X-Poterne-Id: [0-9A-Z]{26}; s=[\w-]{22}(?:; m=[ftdi]+)?\r$/m;
        my $what = user_of($number) eq $user ? difference( $sent[$number], $message ) : "came to $user";
        push @different, "$number, $messages[$number][1]: $what" if defined $what;
    }
}

# The corpora may hold what a signature takes for a virus: then it is held, which is not lost.
my @held = $gateway->spooled('quarantine');
my %held_number;
for my $id (@held) {
    my ( undef, $message ) = $gateway->poterne( 'quarantine', 'show', '--message', $id );
    $held_number{$1} = $id if $message =~ /^X-Sequence: (\d+)\r?$/m;
}
my @lost = grep { !$times{$_} && !$held_number{$_} } 0 .. $#sent;
my @twice = grep { $times{$_} > 1 } keys %times;
is( "@lost", '', 'none is lost' );
is( "@twice", '', 'none came twice' );
is( scalar @different, 0, 'each is what was sent, but for the header edits' ) or diag( first_ten(@different) );
is( scalar @unsigned, 0, 'each has a signed id' ) or diag( first_ten(@unsigned) );
is( scalar @held, EICARS + keys %held_number, 'EICAR is in quarantine' );
is( scalar( () = $gateway->spooled('corrupt') ), 0, 'nothing was set aside' );
is( scalar( () = $gateway->spooled('incoming') ), 0, 'nothing is left half received' );
cmp_ok( $tagged // 0, '>', MESSAGES / 10, 'spam got the tag' );
note( ( $tagged // 0 ), ' of ', scalar(@sent), ' got the tag, ', scalar( keys %held_number ), ' are held' );

# What the journal says.
my %states;
for my $user ( map { "user$_\@$domain" } 0 .. USERS - 1 ) {
    my @stories = $gateway->poterne_json( 'trace', '--limit', MESSAGES, $user );
    $states{ $_->{recipients}[0]{state} // 'nothing' }++ for @stories;
}
is_deeply(
    \%states,
    { delivered => @sent - keys %held_number, held => scalar @held },
    'the journal knows one outcome of each'
);

is( $gateway->stop, 0, 'the gateway stops as asked' );
$dovecot->stop;
my @errors = grep { / error: / } split /^/, $gateway->log_text;
is( scalar @errors, 0, 'no error is in the log' ) or diag( first_ten(@errors) );
done_testing();
