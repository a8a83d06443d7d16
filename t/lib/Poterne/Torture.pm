# poterne-edge, of which one call after another fails while it takes a message: it says 250 only to what is in the queue
# whole, lives on, and takes the next one. For t/fault/torture_*.t.
package Poterne::Torture;

use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(time);

use Poterne::Faults;
use Poterne::Gateway;
use Poterne::Process qw(wait_until);
use Poterne::World;

# No neighbour is waited for longer than a client would be.
my $settings = <<'END';
queue { free_space_min = 0 }
antivirus { timeout = 2s }
content { timeout = 2s }
resolver { time_per_message = 1s }
smtp { scan_timeout = 4s; data_timeout = 15s; command_timeout = 15s; commit_threads = 1
       commands_limit = 1000000; messages_limit = 1000000; session_timeout = 1h }
END

use constant {
    LINES        => 900,  # some 60 kB: more than a writer's buffer, less than a block of the client's
    SILENCE      => 45,   # seconds until a client that hears nothing says so: three times any time limit above
    BACK_SECONDS => 30,   # until the next message is taken: a neighbour is looked for again
};

sub start {
    my ($class) = @_;
    my $folder = tempdir( 'poterne-torture-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
    chmod 0755, $folder;
    my $self = bless { faults => Poterne::Faults->new, folder => $folder, sequence => 0, taken => {}, tries => 0, failed => 0 }, $class;
    $self->begin;
    return $self;
}

# A fresh process, on what lies in the spool.
sub begin {
    my ($self) = @_;
    $self->{world}->stop if $self->{world};
    $self->{world} = $self->{faults}->loaded( sub { Poterne::World->start( folder => $self->{folder}, settings => $settings ) } );
    $self->{pid} = $self->{world}->edge_pid;
    return;
}

sub text {
    my ($number) = @_;
    return join '', "Subject: number $number\r\nX-Sequence: <$number>\r\n\r\n",
        ( map { sprintf "%6d a line of message %d, as long as all the others of it are\r\n", $_, $number } 1 .. LINES ),
        "end of message $number\r\n";
}

# One message over a connection of its own. { number, code, id }; code: '' the connection ended, undef silence.
sub send_one {
    my ( $self, $ehlo ) = @_;
    my $number = ++$self->{sequence};
    my %result = ( number => $number, code => '' );
    my $client = eval { $self->{world}->client( silent => 1 ) } // return \%result;
    my @steps = (
        [ '', 2 ],
        [ "EHLO client.example\r\n",         2 ],
        [ "MAIL FROM:<a\@b.example>\r\n",    2 ],
        [ "RCPT TO:<jean\@ours.example>\r\n", 2 ],
        [ "RCPT TO:<anne\@ours.example>\r\n", 2 ],
        [ "DATA\r\n",                        3 ],
        [ text($number) . ".\r\n",           2 ],
    );
    for my $step (@steps) {
        my ( $bytes, $class ) = @$step;
        $client->bytes($bytes);    # what can't be sent is heard of
        my $reply = eval { $client->hear(SILENCE) };
        $result{reply} = $reply;
        $result{code} = defined $reply ? substr $reply, 0, 3 : undef;
        last if ( $reply // '' ) !~ /^$class/;
    }
    ( $result{id} ) = ( $result{reply} // '' ) =~ /^250 2\.0\.0 Accepted as ([0-9A-Z]{26})/;
    $result{code} = "not final: $result{reply}" if ( $result{code} // '' ) eq '250' && !$result{id};
    $client->bytes("QUIT\r\n");
    $client->hang_up;
    return \%result;
}

# One that nothing happens to.
sub send_well {
    my ($self) = @_;
    my $wrong = $self->wrong( $self->send_one );
    die "a message that nothing happened to: $wrong\n" if $wrong;
    return;
}

# Is it in the queue as it was sent? The rest of the file is looked at by delivery, in the end.
sub stored {
    my ( $self, $id, $number ) = @_;
    my $bytes = eval { $self->{world}->file( queue => $id ) } // return 0;
    my $text = text($number);
    return substr( $bytes, 64, length $text ) eq $text;
}

# Ids in the queue that are nobody's.
sub strangers {
    my ($self) = @_;
    return grep { !exists $self->{taken}{$_} } $self->{world}->files('queue');
}

# What is wrong after a try; empty: nothing.
sub wrong {
    my ( $self, $result ) = @_;
    my $pid = $self->{world}->edge_pid // 0;
    return 'the process died' if $pid != $self->{pid};
    return 'silence' if !defined $result->{code};
    return "said $result->{code}" if $result->{code} !~ /^(?:|250|4\d\d)$/;
    return "250 to $result->{id}, which is not in the queue whole" if $result->{id} && !$self->stored( @{$result}{qw(id number)} );
    $self->{taken}{ $result->{id} } = $result->{number} if $result->{id};
    my @strangers = $self->strangers;
    $self->{taken}{$_} = $result->{number} for @strangers;
    return '' if !@strangers;
    # a connection that ends before 250 is heard leaves it open what became of the message
    return '' if @strangers == 1 && $result->{code} eq '' && $self->stored( $strangers[0], $result->{number} );
    return "said '$result->{code}', but it is in the queue: @strangers";
}

# The next message is taken, and nothing is left of the one before.
sub goes_on {
    my ($self) = @_;
    my $last;
    my $taken = wait_until( BACK_SECONDS, sub { $last = $self->send_one; my $wrong = $self->wrong($last); return $wrong eq '' && $last->{id} } );
    return "the next was said '" . ( $last->{reply} // 'nothing' ) . "' to" if !$taken;
    return '' if wait_until( 20, sub { !$self->{world}->files('incoming') } );
    return 'something is left in incoming/';
}

# The nth of these calls fails once (or `burst` times): what was wrong.
sub try_one {
    my ( $self, %order ) = @_;
    $self->{faults}->order( %order, pid => $self->{pid} );
    my $begun = time;
    my $result = $self->send_one;
    my $failed = $self->{faults}->lift;
    $self->{tries}++;
    $self->{failed}++ if $failed;
    $self->{answers}{ defined $result->{code} ? $result->{code} || 'closed' : 'silence' }++ if $failed;
    my $wrong = $self->wrong($result) || $self->goes_on;
    $self->begin if ( $self->{world}->edge_pid // 0 ) != $self->{pid};
    $self->{slowest} = time - $begun if time - $begun > ( $self->{slowest} // 0 );
    return $wrong && "@{ $order{kinds} } $order{nth}" . ( $order{error} ? " $order{error}" : '' ) . ": $wrong";
}

# How many of these calls there are in one message.
sub calls {
    my ( $self, @kinds ) = @_;
    return $self->{faults}->count( $self->{pid}, \@kinds, sub { $self->send_well; select undef, undef, undef, 0.3 } );
}

# What was set aside since the disk failed: not owed, and bounded.
sub aside {
    my ($self) = @_;
    return grep {/\.unsaid$/} $self->{world}->files('corrupt');
}

# No more descriptors than that are open, as soon as all sessions have ended.
sub closes_down_to {
    my ( $self, $most ) = @_;
    return wait_until( 20, sub { $self->descriptors <= $most } );
}

sub descriptors {
    my ($self) = @_;
    opendir my $folder, "/proc/$self->{pid}/fd" or return 0;
    return scalar grep { /^\d+$/ } readdir $folder;
}

# All that 250 was said to is delivered, whole, once to each recipient.
sub delivered {
    my ($self) = @_;
    $self->{world}->stop;
    my @ids = grep { $self->{taken}{$_} } keys %{ $self->{taken} };
    chmod 0666, map {"$self->{folder}/state/queue/$_"} @ids;    # another user's, in the gateway
    my $gateway = Poterne::Gateway->new(
        root    => $self->{folder},
        domains => { 'ours.example' => { next_hop => Poterne::Gateway::maildir_hop( $self->{folder} ), recipients => ['@ours.example'] } }
    )->start;
    ok( $gateway->wait_for_empty_queue(120), 'all of the queue is delivered' );
    for my $to (qw(jean anne)) {
        my %found;
        $found{$_}++ for grep { defined } map { /^X-Sequence: <(\d+)>.*^end of message \1\r?\n\z/ms } $gateway->maildir_messages("$to\@ours.example");
        my @lost = grep { !$found{$_} } map { $self->{taken}{$_} } @ids;
        is( "@lost", '', scalar(@ids) . " messages got 250, each is delivered to $to" );
        is( join( ' ', grep { $found{$_} > 1 } keys %found ), '', '… once' );
    }
    is( scalar( () = $gateway->spooled('corrupt') ), 0, 'none was damaged' );
    return $gateway->stop;
}

1;
